/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file thread.h
 * Threads besides the main one.
 */
#ifndef TURNPIKE_BASE_THREAD_H
#define TURNPIKE_BASE_THREAD_H

#include <pthread.h>

/**
 * thread_start() - run a function in a new thread, which gets no signals: the main thread does
 *
 * Return: 0, and @thread must be joined; else a negative errno.
 */
int thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg);

#endif /* TURNPIKE_BASE_THREAD_H */
