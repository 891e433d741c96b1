/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool.h"

#define PATIENCE_S   3
#define BUFFER_BYTES (8 << 20)
#define CHUNK_MAX    65536

/**
 * struct link - see link.h
 * @sent:     bytes of the current message that have been sent
 * @received: bytes of the current copy that have been received
 */
struct link {
	enum transport transport;
	int fd;
	SSL *ssl;
	size_t sent;
	size_t received;
};

static const char *const names[TRANSPORTS] = {
	[OVER_UDP] = "udp",
	[OVER_TCP] = "tcp",
	[OVER_TLS] = "tls",
	[OVER_DTLS] = "dtls",
};

int transport_parse(const char *name, enum transport *ret)
{
	for (unsigned int i = 0; i < TRANSPORTS; i++) {
		if (strcmp(names[i], name) == 0) {
			*ret = (enum transport)i;
			return 0;
		}
	}
	return -EINVAL;
}

static bool is_stream(const struct link *link)
{
	return link->transport == OVER_TCP || link->transport == OVER_TLS;
}

static void connect_socket(struct link *link, struct in_addr local,
			   const struct sockaddr_in *server)
{
	const struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = local };
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	const int one = 1, bytes = BUFFER_BYTES;

	link->fd = socket(AF_INET, (is_stream(link) ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (link->fd < 0 || bind(link->fd, (const struct sockaddr *)&from, sizeof(from)) ||
	    setsockopt(link->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		die(-errno, "opening a socket");
	if (is_stream(link))
		setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	else
		setsockopt(link->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	if (connect(link->fd, (const struct sockaddr *)server, sizeof(*server)))
		die(-errno, "connecting");
}

/* All clients have the same transport. */
static SSL_CTX *shared_context(const struct link *link)
{
	static SSL_CTX *context;

	if (context)
		return context;
	context = SSL_CTX_new(link->transport == OVER_TLS ? TLS_client_method()
							  : DTLS_client_method());
	if (!context)
		die(0, "cannot configure TLS");
	SSL_CTX_set_mode(context,
			 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(context, 1);
	return context;
}

/* Records of a turn leave with one system call, so that the client is faster than the server. */
static void set_bio(struct link *link, const struct sockaddr_in *server)
{
	BIO *bio = link->transport == OVER_TLS ? BIO_new_socket(link->fd, BIO_NOCLOSE)
					       : BIO_new_dgram(link->fd, BIO_NOCLOSE);
	BIO *buffer = link->transport == OVER_TLS ? BIO_new(BIO_f_buffer()) : NULL;

	if (!link->ssl || !bio || (link->transport == OVER_TLS && !buffer))
		die(-ENOMEM, "beginning TLS");
	SSL_set0_rbio(link->ssl, bio);
	BIO_up_ref(bio);
	SSL_set0_wbio(link->ssl, buffer ? BIO_push(buffer, bio) : bio);
	if (!buffer)
		BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, (void *)server);
}

static void shake_hands(struct link *link, const struct sockaddr_in *server)
{
	link->ssl = SSL_new(shared_context(link));
	set_bio(link, server);
	if (SSL_connect(link->ssl) != 1)
		die(0, "the handshake with the server failed");
}

struct link *link_open(enum transport transport, struct in_addr local,
		       const struct sockaddr_in *server)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		die(-ENOMEM, "opening a connection");
	link->transport = transport;
	connect_socket(link, local, server);
	if (transport == OVER_TLS || transport == OVER_DTLS)
		shake_hands(link, server);
	return link;
}

void link_close(struct link *link)
{
	if (!link)
		return;
	SSL_free(link->ssl);
	close(link->fd);
	free(link);
}

int link_fd(const struct link *link)
{
	return link->fd;
}

static ssize_t write_some(struct link *link, const uint8_t *data, size_t len)
{
	if (!link->ssl)
		return send(link->fd, data, len, link->transport == OVER_TCP ? MSG_MORE : 0);
	return SSL_write(link->ssl, data, (int)len);
}

static ssize_t read_some(struct link *link, uint8_t *buf, size_t size)
{
	if (!link->ssl)
		return recv(link->fd, buf, size, 0);
	return SSL_read(link->ssl, buf, (int)size);
}

size_t link_ask(struct link *link, const uint8_t *request, size_t len, uint8_t *buf, size_t size)
{
	ssize_t received;

	if (write_some(link, request, len) != (ssize_t)len)
		return 0;
	link_flush(link);
	received = read_some(link, buf, size);
	return received > 0 ? (size_t)received : 0;
}

void link_stop_waiting(struct link *link)
{
	if (fcntl(link->fd, F_SETFL, O_NONBLOCK))
		die(-errno, "making a socket non-blocking");
}

bool link_send(struct link *link, const uint8_t *message, size_t len)
{
	ssize_t sent = write_some(link, message + link->sent, len - link->sent);

	if (sent > 0)
		link->sent += (size_t)sent;
	if (link->sent < len)
		return false;
	link->sent = 0;
	return true;
}

/* TCP_NODELAY sends what MSG_MORE has held back. What does not fit now leaves with the next turn.
 */
void link_flush(struct link *link)
{
	const int one = 1;

	if (link->transport == OVER_TCP)
		setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	else if (link->ssl && BIO_flush(SSL_get_wbio(link->ssl)) <= 0)
		return;
}

/* Compares @data with the rest of the current copy and the copies after it. */
static unsigned int count_copies(struct link *link, const uint8_t *data, size_t left,
				 const uint8_t *message, size_t len)
{
	unsigned int copies = 0;

	while (left > 0) {
		const size_t wanted = len - link->received, here = left < wanted ? left : wanted;

		if (memcmp(data, message + link->received, here) != 0)
			die(0, "other data has arrived than was sent");
		link->received += here;
		data += here;
		left -= here;
		if (link->received == len) {
			link->received = 0;
			copies++;
		}
	}
	return copies;
}

unsigned int link_receive(struct link *link, const uint8_t *message, size_t len)
{
	unsigned int copies = 0;
	uint8_t chunk[CHUNK_MAX];
	ssize_t received;

	while ((received = read_some(link, chunk, sizeof(chunk))) > 0)
		copies += count_copies(link, chunk, (size_t)received, message, len);
	if (received == 0)
		die(0, "the server has closed a connection");
	return copies;
}
