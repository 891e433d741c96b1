/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Constants of the kernel's UAPI that are newer than Debian 12's linux-libc-dev (6.1).
 */
#ifndef TURNPIKE_ATTACH_BASE_COMPAT_H
#define TURNPIKE_ATTACH_BASE_COMPAT_H

/* enum bpf_attach_type, Linux 6.6. Older kernels return -EINVAL. */
#define COMPAT_BPF_TCX_INGRESS 46
#define COMPAT_BPF_TCX_EGRESS  47

/* <linux/netdev.h>, Linux 6.3. */
#define COMPAT_NETDEV_CMD_DEV_GET        1
#define COMPAT_NETDEV_A_DEV_IFINDEX      1
#define COMPAT_NETDEV_A_DEV_XDP_FEATURES 3

/* <linux/virtio_net.h>, Linux 6.2. */
#define COMPAT_VIRTIO_NET_F_GUEST_USO4 54
#define COMPAT_VIRTIO_NET_F_GUEST_USO6 55

#endif /* TURNPIKE_ATTACH_BASE_COMPAT_H */
