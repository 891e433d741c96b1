/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file screen.h
 * A terminal that shows one page after the other. It uses the control functions of ECMA-48 that all
 * terminals since the VT100 have, and the alternate screen of xterm.
 *
 * Where stdout is no terminal, pages follow each other.
 */
#ifndef TURNPIKE_CLI_SCREEN_H
#define TURNPIKE_CLI_SCREEN_H

#include <stdbool.h>

/** screen_open() - take over the terminal; any exit and SIGINT, SIGTERM and SIGHUP give it back */
void screen_open(void);

void screen_close(void);

/** screen_begin_page() - clear the screen; what is printed then shows when screen_wait() is called
 */
void screen_begin_page(void);

/** screen_lines() - lines of a page; 0: any number */
unsigned int screen_lines(void);

enum screen_event {
	SCREEN_TIME_OVER,
	SCREEN_RESIZED,
	SCREEN_QUIT,
};

/** screen_wait() - show the page, and wait for a key, a new size or @ms milliseconds */
enum screen_event screen_wait(int ms);

#endif /* TURNPIKE_CLI_SCREEN_H */
