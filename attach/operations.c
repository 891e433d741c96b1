/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "operations.h"

#include "devices/device.h"
#include "devices/proof.h"
#include "devices/watch.h"
#include "flows/flow_map.h"
#include "hooks/attachment.h"
#include "net/icmp_sender.h"
#include "net/ipsec.h"
#include "net/neighbours.h"
#include "net/notifications.h"
#include "privileged/shared_maps.h"
#include "select/facts.h"
#include "select/owners.h"
#include "select/vlans.h"

const struct operation *const operations[N_OPERATIONS] = {
	[OPERATION_MAKE_MAPS] = &maps_operation_make,
	[OPERATION_SHARE_MAP] = &maps_operation_share,
	[OPERATION_OPEN_ICMP] = &icmp_operation_open,
	[OPERATION_OPEN_NOTIFICATIONS] = &notifications_operation_open,
	[OPERATION_LOAD] = &attachment_operation_load,
	[OPERATION_ATTACH] = &attachment_operation_attach,
	[OPERATION_IS_ATTACHED] = &attachment_operation_is_attached,
	[OPERATION_EXCHANGE] = &attachment_operation_exchange,
	[OPERATION_CLOSE] = &attachment_operation_close,
	[OPERATION_FIND_OWNER] = &attachment_operation_find_owner,
	[OPERATION_SWEEP] = &attachment_operation_sweep,
	[OPERATION_READ_OWNERS] = &owners_operation_read,
	[OPERATION_COUNT_VLANS] = &vlans_operation_count,
	[OPERATION_READ_KERNEL] = &facts_operation_read_kernel,
	[OPERATION_READ_LINK] = &facts_operation_read_link,
	[OPERATION_TRY] = &proof_operation_try,
	[OPERATION_WATCH] = &watch_operation_open,
	[OPERATION_LIST_POLICIES] = &ipsec_operation_list,
	[OPERATION_USE] = &neighbours_operation_use,
	[OPERATION_SET_EXPIRY] = &flow_operation_set_expiry,
	[OPERATION_READ_TICKS] = &devices_operation_read_ticks,
};

void operations_end(struct privileged *privileged)
{
	attachments_end(privileged);
	watch_end(privileged);
	shared_maps_end(privileged);
}
