/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/query.h"
#include "control/unix_socket.h"

int query_set_control(void *query, char *value)
{
	((struct query *)query)->control = value;
	return *value == '\0' ? -EINVAL : 0;
}

int query_set_json(void *query, char *value)
{
	(void)value;
	((struct query *)query)->json = true;
	return 0;
}

static void explain(const char *path, int err, char why[static QUERY_WHY_MAX])
{
	if (err == -EACCES || err == -EPERM)
		snprintf(why, QUERY_WHY_MAX,
			 "permission denied on %s: run as root, or as the owner or in the group of "
			 "the socket",
			 path);
	else if (err == -ENOENT || err == -ECONNREFUSED)
		snprintf(why, QUERY_WHY_MAX,
			 "no server listens on %s: start 'turnpike serve', or name its control "
			 "socket with --control",
			 path);
	else
		snprintf(why, QUERY_WHY_MAX, "the server on %s does not answer: %s", path,
			 strerror(-err));
}

static int send_request(int fd, const json_t *request)
{
	char *line = json_dumps(request, JSON_COMPACT);
	int err = -ENOMEM;

	if (line && dprintf(fd, "%s\n", line) > 0)
		err = 0;
	else if (line)
		err = -errno;
	free(line);
	return err;
}

/* A mode change loads programs, for which a helper has 30 s, and other requests wait for it. */
#define ANSWER_S 60

static size_t receive_chunk(void *buffer, size_t len, void *fd)
{
	ssize_t got = read(*(int *)fd, buffer, len);

	return got < 0 ? (size_t)-1 : (size_t)got;
}

static int receive_answer(int fd, json_t **ret)
{
	json_error_t error;
	json_t *answer;

	errno = 0;
	answer = json_load_callback(receive_chunk, &fd, 0, &error);
	if (!answer)
		return errno == EAGAIN ? -ETIMEDOUT : -EPROTO;
	*ret = answer;
	return 0;
}

static int begin(const char *path, const json_t *request, int *fd)
{
	int err = unix_connect(path, SOCK_STREAM, fd);

	if (err)
		return err;
	err = send_request(*fd, request);
	unix_set_timeout(*fd, ANSWER_S);
	if (err)
		close(*fd);
	return err;
}

static int ask(const char *path, const json_t *request, json_t **ret)
{
	int fd, err = begin(path, request, &fd);

	if (err)
		return err;
	err = receive_answer(fd, ret);
	close(fd);
	return err;
}

FILE *query_open(const struct query *query, const json_t *request)
{
	char why[QUERY_WHY_MAX];
	FILE *answer = NULL;
	int fd, err = begin(query->control, request, &fd);

	if (!err) {
		answer = fdopen(fd, "r");
		if (answer)
			return answer;
		err = -errno;
		close(fd);
	}
	explain(query->control, err, why);
	log_error("%s", why);
	return NULL;
}

static json_t *request_or_explain(const struct query *query, const json_t *request,
				  char why[static QUERY_WHY_MAX])
{
	const char *error;
	json_t *answer;
	int err = ask(query->control, request, &answer);

	if (err) {
		explain(query->control, err, why);
		return NULL;
	}
	error = json_string_value(json_object_get(answer, "error"));
	if (error) {
		snprintf(why, QUERY_WHY_MAX, "%s", error);
		json_decref(answer);
		return NULL;
	}
	return answer;
}

json_t *query_request(const struct query *query, const json_t *request)
{
	char why[QUERY_WHY_MAX];
	json_t *answer = request_or_explain(query, request, why);

	if (!answer)
		log_error("%s", why);
	return answer;
}

json_t *query_try(const struct query *query, const char *command, char why[static QUERY_WHY_MAX])
{
	json_t *request = json_pack("{s:s}", "command", command);
	json_t *answer = request_or_explain(query, request, why);

	json_decref(request);
	return answer;
}

json_t *query_ask(const struct query *query, const char *command)
{
	char why[QUERY_WHY_MAX];
	json_t *answer = query_try(query, command, why);

	if (!answer)
		log_error("%s", why);
	return answer;
}

void query_print(const struct query *query, const json_t *document,
		 void (*print)(const json_t *document))
{
	if (query->json) {
		json_dumpf(document, stdout, JSON_COMPACT | JSON_REAL_PRECISION(10));
		printf("\n");
	} else {
		print(document);
	}
	fflush(stdout);
}

enum cli_status query_send(const struct query *query, json_t *request,
			   void (*print)(const json_t *answer))
{
	json_t *answer = query_request(query, request);

	json_decref(request);
	if (!answer)
		return CLI_ERROR;
	query_print(query, answer, print);
	json_decref(answer);
	return CLI_OK;
}

enum cli_status query_run(const struct cli_syntax *syntax, int argc, char **argv,
			  const char *command, void (*print)(const json_t *answer))
{
	struct query query = { .control = CONTROL_PATH };
	enum cli_status status = cli_parse(syntax, argc, argv, &query);

	if (status != CLI_OK)
		return status;
	return query_send(&query, json_pack("{s:s}", "command", command), print);
}
