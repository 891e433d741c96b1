/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A veth delivers frames of XDP_TX only if its peer has an XDP program. This one is for the far
 * ends of the relay's cables. It includes no header, so that it builds without -I.
 */
__attribute__((section("xdp"), used)) int pass(void *ctx)
{
	return 2; /* XDP_PASS */
}
