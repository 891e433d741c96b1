/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "process/privileges.h"
#include "base/log.h"

/* What a number must look like, too: "0x10" and " 1" are no users. */
static bool parse_id(const char *text, unsigned int *id)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	value = strtoull(text, &end, 10);
	/* The last one means "nobody else" to the kernel. */
	if (*end || value >= UINT32_MAX)
		return false;
	*id = (unsigned int)value;
	return true;
}

static int find_user(const char *name, struct privileges *result)
{
	const struct passwd *user = getpwnam(name);

	if (!user && parse_id(name, &result->uid))
		user = getpwuid(result->uid);
	if (!user) {
		log_error("--run-as: there is no user %s: choose one that 'getent passwd' lists",
			  name);
		return -ENOENT;
	}
	result->uid = user->pw_uid;
	result->gid = user->pw_gid;
	return 0;
}

static int find_group(const char *name, struct privileges *result)
{
	const struct group *group = getgrnam(name);

	if (group) {
		result->gid = group->gr_gid;
		return 0;
	}
	if (parse_id(name, &result->gid))
		return 0;
	log_error("--run-as: there is no group %s: choose one that 'getent group' lists", name);
	return -ENOENT;
}

static bool is_another(const struct privileges *privileges)
{
	return privileges->uid != (uid_t)-1 &&
	       (privileges->uid != geteuid() || privileges->gid != getegid());
}

static int check_may_become(const struct privileges *privileges)
{
	if (!is_another(privileges) ||
	    (capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, CAP_SETUID) &&
	     capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID)))
		return 0;
	log_error(
		"--run-as: this process cannot become another user: start it as root, or as that user");
	return -EPERM;
}

int privileges_find(const char *run_as, struct privileges *ret)
{
	struct privileges result = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	char *user, *colon;
	int err;

	if (!run_as) {
		*ret = result;
		return 0;
	}
	user = strdup(run_as);
	if (!user) {
		log_error("out of memory");
		return -ENOMEM;
	}
	colon = strchr(user, ':');
	if (colon)
		*colon = '\0';
	err = find_user(user, &result);
	if (!err && colon)
		err = find_group(colon + 1, &result);
	free(user);
	if (!err)
		err = check_may_become(&result);
	if (!err)
		*ret = result;
	return err;
}

static void keep(unsigned int capability, bool is_there)
{
	if (is_there)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, capability);
}

/* Here and not yet in the kernel. */
static void choose(bool in_kernel, bool low_ports)
{
	static const unsigned int for_kernel[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF,
						   CAP_PERFMON };
	bool had[sizeof(for_kernel) / sizeof(for_kernel[0])];
	bool had_bind = capng_have_capability(CAPNG_PERMITTED, CAP_NET_BIND_SERVICE);

	for (size_t i = 0; i < sizeof(had) / sizeof(had[0]); i++)
		had[i] = capng_have_capability(CAPNG_PERMITTED, for_kernel[i]);
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < sizeof(had) / sizeof(had[0]); i++)
		keep(for_kernel[i], had[i] && in_kernel);
	keep(CAP_NET_BIND_SERVICE, had_bind && low_ports);
	if (in_kernel && !capng_have_capability(CAPNG_PERMITTED, CAP_NET_RAW))
		log_at(LOG_WARNING,
		       "without CAP_NET_RAW senders of packets that are too big or too old to be "
		       "relayed in the kernel are not told, and trials of XDP prove less");
}

static int become(const struct privileges *privileges)
{
	if (capng_change_id((int)privileges->uid, (int)privileges->gid,
			    CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT) == 0)
		return 0;
	log_error("--run-as: the user cannot be changed: %s", strerror(errno));
	return -EPERM;
}

/* Without CAP_SETPCAP the bounding set stays, which says what programs may get that we never run.
 */
static int apply(bool may_bound)
{
	if (capng_apply(may_bound ? CAPNG_SELECT_ALL : CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) ==
	    0)
		return 0;
	log_error("capabilities cannot be given up: %s", strerror(errno));
	return -EPERM;
}

int privileges_drop(const struct privileges *privileges, bool in_kernel, bool low_ports)
{
	bool may_bound;
	int err;

	if (capng_get_caps_process()) {
		log_error("the capabilities of this process cannot be read: is /proc mounted?");
		return -EIO;
	}
	may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	choose(in_kernel, low_ports);
	err = is_another(privileges) ? become(privileges) : apply(may_bound);
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		err = -errno;
		log_error("the way back to privileges cannot be barred: %s", strerror(errno));
	}
	return err;
}

json_t *privileges_report(void)
{
	json_t *capabilities = json_array();

	if (capng_get_caps_process() == 0) {
		for (unsigned int i = 0; i <= CAP_LAST_CAP; i++) {
			if (capng_have_capability(CAPNG_EFFECTIVE, i))
				json_array_append_new(capabilities,
						      json_string(capng_capability_to_name(i)));
		}
	}
	return json_pack("{s:i, s:o}", "uid", (int)geteuid(), "capabilities", capabilities);
}
