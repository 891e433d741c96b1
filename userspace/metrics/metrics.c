/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "metrics/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/addr.h"
#include "base/log.h"
#include "control/report_tour.h"
#include "metrics/http.h"
#include "metrics/view.h"
#include "net/listeners.h"
#include "net/socket.h"
#include "private/array_len.h"

#define PLAIN "text/plain; charset=utf-8"

/** struct metrics - @start: of the server, in seconds since 1970-01-01 00:00 UTC */
struct metrics {
	struct service *service;
	struct report_source *source;
	bool coturn_names;
	time_t start;
};

/** struct visit - a request for one of the pages, which makes a tour of the workers */
struct visit {
	struct report_tour tour;
	const struct metrics *metrics;
	const struct page *page;
	bool is_head;
	bool is_openmetrics;
};

/**
 * struct page
 * @write: write the body. Return: the status, or -ENOMEM
 * @type:  of the body; NULL: that of the metrics
 */
struct page {
	const char *path;
	int (*write)(const struct visit *visit, struct evbuffer *body);
	const char *type;
};

static void write_table(const struct metric *metric, const struct metrics_view *view,
			struct exposition *out)
{
	for (; metric->name; metric++) {
		exposition_metric(out, metric->name, metric->type, metric->help);
		metric->write(view, metric, out);
	}
}

static int write_metrics(const struct visit *visit, struct evbuffer *body)
{
	struct exposition out = { .output = body, .is_openmetrics = visit->is_openmetrics };
	struct metrics_view view = { .source = visit->tour.source,
				     .data = &visit->tour.data,
				     .start = visit->metrics->start };
	int err = view_open(&view);

	if (!err) {
		write_table(metrics_all, &view, &out);
		if (visit->metrics->coturn_names)
			write_table(metrics_of_coturn, &view, &out);
		err = exposition_end(&out);
	}
	view_close(&view);
	return err ? err : HTTP_OK;
}

static int write_line(struct evbuffer *body, enum http_status status, const char *line)
{
	return evbuffer_add_printf(body, "%s\n", line) < 0 ? -ENOMEM : (int)status;
}

/* All threads have answered. */
static int write_health(const struct visit *visit, struct evbuffer *body)
{
	(void)visit;
	return write_line(body, HTTP_OK, "healthy");
}

static int write_readiness(const struct visit *visit, struct evbuffer *body)
{
	if (visit->tour.data.is_draining)
		return write_line(body, HTTP_UNAVAILABLE, "draining");
	if (visit->tour.data.n_listeners == 0)
		return write_line(body, HTTP_UNAVAILABLE, "no address to listen on");
	return write_line(body, HTTP_OK, "ready");
}

static const struct page pages[] = {
	{ "/metrics", write_metrics, NULL },
	{ "/healthz", write_health, PLAIN },
	{ "/readyz", write_readiness, PLAIN },
};

static const struct page *find_page(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		if (strcmp(pages[i].path, path) == 0)
			return &pages[i];
	}
	return NULL;
}

static int respond(const struct visit *visit, struct evbuffer *body, struct evbuffer *output)
{
	const int status = visit->page->write(visit, body);
	const char *type =
		visit->page->type ? visit->page->type : exposition_type(visit->is_openmetrics);

	if (status < 0)
		return status;
	return http_write(output, (enum http_status)status, type, visit->is_head ? NULL : body,
			  evbuffer_get_length(body));
}

static int write_page(struct control_answer *answer, struct evbuffer *output)
{
	struct evbuffer *body = evbuffer_new();
	int err = body ? respond((struct visit *)answer, body, output) : -ENOMEM;

	if (body)
		evbuffer_free(body);
	return err;
}

/* Without a tour. */
static struct control_answer *refuse(enum http_status status)
{
	struct evbuffer *text = evbuffer_new();
	struct control_answer *answer = NULL;

	if (text && http_write(text, status, PLAIN, NULL, 0) == 0 && evbuffer_add(text, "", 1) == 0)
		answer = control_text((const char *)evbuffer_pullup(text, -1));
	if (text)
		evbuffer_free(text);
	return answer;
}

static struct control_answer *visit(const struct metrics *metrics, const struct page *page,
				    const struct http_request *request)
{
	struct visit *result = calloc(1, sizeof(*result));

	if (!result)
		return NULL;
	report_tour_init(&result->tour, metrics->source, service_loop(metrics->service),
			 write_page);
	result->metrics = metrics;
	result->page = page;
	result->is_head = strcmp(request->method, "HEAD") == 0;
	result->is_openmetrics = request->wants_openmetrics;
	return report_tour_begin(&result->tour);
}

static struct control_answer *answer_to(const struct metrics *metrics,
					const struct http_request *request)
{
	const struct page *page = find_page(request->path);

	if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
		return refuse(HTTP_METHOD_NOT_ALLOWED);
	return page ? visit(metrics, page, request) : refuse(HTTP_NOT_FOUND);
}

static int begin(void *arg, int fd, struct evbuffer *input, struct control_answer **answer)
{
	struct http_request request;
	const int err = http_read(input, &request);

	(void)fd;
	if (err && err != -EBADMSG)
		return err;
	*answer = err ? refuse(HTTP_BAD_REQUEST) : answer_to(arg, &request);
	return *answer ? 0 : -ENOMEM;
}

static const struct service_protocol http = {
	.request_max = HTTP_REQUEST_MAX,
	.end = "",
	.begin = begin,
};

static int listen_at(struct metrics *metrics, const struct turnpike_addr *addr)
{
	int fd, err = socket_listen(addr, false, &fd);

	if (!err)
		err = service_open(fd, &http, metrics, &metrics->service);
	if (err)
		listeners_log_bind_error(addr, err);
	return err;
}

int metrics_open(const struct turnpike_addr *addr, bool coturn_names, struct report_source *source,
		 struct metrics **ret)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));
	int err;

	if (!metrics)
		return -ENOMEM;
	*metrics = (struct metrics){
		.source = source,
		.coturn_names = coturn_names,
		.start = time(NULL),
	};
	err = listen_at(metrics, addr);
	if (err)
		free(metrics);
	else
		*ret = metrics;
	return err;
}

int metrics_start(struct metrics *metrics)
{
	const int err = service_start(metrics->service, "tp-metrics");

	if (err)
		log_error("cannot start the thread of the metrics: %s; allow more threads",
			  strerror(-err));
	return err;
}

void metrics_stop(struct metrics *metrics)
{
	service_stop(metrics->service);
}

void metrics_close(struct metrics *metrics)
{
	if (!metrics)
		return;
	service_close(metrics->service);
	free(metrics);
}
