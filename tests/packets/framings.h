/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file framings.h
 * Tests of flows whose clients send or get indications.
 */
#ifndef TURNPIKE_TESTS_PACKETS_FRAMINGS_H
#define TURNPIKE_TESTS_PACKETS_FRAMINGS_H

void test_indication_lengths(void **state);
void test_indication_complete(void **state); /* CHECKSUM_COMPLETE, TC */
void test_indication_sums(void **state);
void test_indication_orders(void **state);
void test_indication_egress(void **state);
void test_indication_room(void **state);
void test_indication_truncated(void **state);
void test_sends(void **state);
void test_send_keys(void **state);
void test_transactions(void **state);

/* The tables of channels, with indications instead. */
void test_reframed(void **state);
void test_reframed_confirmation(void **state);

#endif /* TURNPIKE_TESTS_PACKETS_FRAMINGS_H */
