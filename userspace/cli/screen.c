/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "private/array_len.h"

/* Alternate screen, no cursor, and lines that are too long are cut. */
static const char enter[] = "\033[?1049h\033[?25l\033[?7l";
static const char leave[] = "\033[?7h\033[?25h\033[?1049l";
static const char clear[] = "\033[H\033[J";

static struct termios before;
static volatile sig_atomic_t is_open, has_keys;

void screen_close(void)
{
	if (!is_open)
		return;
	is_open = 0;
	if (write(STDOUT_FILENO, leave, sizeof(leave) - 1) < 0)
		return; /* the terminal has gone */
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* write() and tcsetattr() are safe in a handler, see signal-safety(7). */
static void close_and_die(int signal_number)
{
	screen_close();
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void ignore(int signal_number)
{
	(void)signal_number;
}

static void handle(int signal_number, void (*handler)(int))
{
	/* Without SA_RESTART, so that SIGWINCH ends poll(). */
	const struct sigaction action = { .sa_handler = handler };

	sigaction(signal_number, &action, NULL);
}

static void handle_signals(void)
{
	static const int deadly[] = { SIGINT, SIGTERM, SIGHUP };

	for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
		handle(deadly[i], close_and_die);
	handle(SIGWINCH, ignore);
}

/* Keys arrive at once, and are not shown. Ctrl-Z would leave the terminal in this state. */
static void take_keys(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &before))
		return;
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VSUSP] = _POSIX_VDISABLE;
	has_keys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

void screen_open(void)
{
	if (!isatty(STDOUT_FILENO))
		return;
	take_keys();
	is_open = 1;
	handle_signals();
	printf("%s", enter);
}

void screen_begin_page(void)
{
	if (is_open)
		printf("%s", clear);
}

unsigned int screen_lines(void)
{
	struct winsize size;

	if (!is_open || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return 0;
	return size.ws_row;
}

static bool is_quit(void)
{
	char key;

	return read(STDIN_FILENO, &key, 1) == 1 && (key == 'q' || key == 'Q');
}

enum screen_event screen_wait(int ms)
{
	struct pollfd keys = { .fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN };
	int n;

	fflush(stdout);
	n = poll(&keys, 1, ms);
	if (n < 0 && errno == EINTR)
		return SCREEN_RESIZED;
	if (n <= 0)
		return SCREEN_TIME_OVER;
	return is_quit() || !(keys.revents & POLLIN) ? SCREEN_QUIT : SCREEN_RESIZED;
}
