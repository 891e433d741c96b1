/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The other end of a relay's veth must have an XDP program of its own, or the kernel never delivers
 * what XDP_TX sends there. A real NIC has a wire instead. No header is included, so that it builds
 * without any -I.
 */
__attribute__((section("xdp"), used)) int pass(void *ctx)
{
	return 2; /* XDP_PASS */
}
