/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "private/array_len.h"
#include "process/privileges.h"

/* Digits only: strtoull() alone would also accept "0x10" and " 1". */
static bool parse_id(const char *text, unsigned int *id)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	value = strtoull(text, &end, 10);
	/* The kernel reserves the largest value for "unchanged". */
	if (*end || value >= UINT32_MAX)
		return false;
	*id = (unsigned int)value;
	return true;
}

static int find_user(const char *option, const char *name, struct privileges *result)
{
	const struct passwd *user = getpwnam(name);

	if (!user && parse_id(name, &result->uid))
		user = getpwuid(result->uid);
	if (!user) {
		log_error("--%s: no such user: %s; see 'getent passwd'", option, name);
		return -ENOENT;
	}
	result->uid = user->pw_uid;
	result->gid = user->pw_gid;
	return 0;
}

int privileges_find_group(const char *option, const char *name, gid_t *ret)
{
	const struct group *group = getgrnam(name);

	if (group) {
		*ret = group->gr_gid;
		return 0;
	}
	if (parse_id(name, ret))
		return 0;
	log_error("--%s: no such group: %s; see 'getent group'", option, name);
	return -ENOENT;
}

static bool is_another(const struct privileges *privileges)
{
	return privileges->uid != (uid_t)-1 &&
	       (privileges->uid != geteuid() || privileges->gid != getegid());
}

static bool may_switch(void)
{
	return capng_get_caps_process() == 0 &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_SETUID) &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID);
}

static int check_may_switch(const char *option, const struct privileges *privileges)
{
	if (!is_another(privileges) || may_switch())
		return 0;
	log_error(
		"--%s: not permitted to switch the user: start the server as root or as that user",
		option);
	return -EPERM;
}

int privileges_find(const char *option, const char *run_as, struct privileges *ret)
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
	err = find_user(option, user, &result);
	if (!err && colon)
		err = privileges_find_group(option, colon + 1, &result.gid);
	free(user);
	if (!err)
		err = check_may_switch(option, &result);
	if (!err)
		*ret = result;
	return err;
}

/* Of the packages, and of any system. */
static const char *const default_users[] = { "turnpike", "nobody" };

/* In an image without accounts: the kernel's overflow user, which owns nothing. */
#define NOBODY 65534

static struct privileges default_user(const char **name)
{
	const struct passwd *user;

	for (size_t i = 0; i < ARRAY_LEN(default_users); i++) {
		user = getpwnam(default_users[i]);
		*name = default_users[i];
		if (user)
			return (struct privileges){ .uid = user->pw_uid, .gid = user->pw_gid };
	}
	return (struct privileges){ .uid = NOBODY, .gid = NOBODY };
}

int privileges_choose(const char *run_as, struct privileges *ret)
{
	const char *name;
	const struct privileges other = default_user(&name);
	const int err = privileges_find("run-as", run_as, ret);

	if (err)
		return err;
	if (run_as && ret->uid == 0)
		log_at(LOG_WARNING,
		       "the server remains root: who takes it over can read and change the files of "
		       "root; without --run-as it runs as user %s",
		       name);
	if (run_as || geteuid() != 0)
		return 0;
	if (may_switch())
		*ret = other;
	else
		log_at(LOG_WARNING,
		       "not permitted to switch the user: the server remains root, without "
		       "capabilities; allow CAP_SETUID and CAP_SETGID, or start it as user %s",
		       name);
	return 0;
}

/* Changes the sets of libcap-ng only; apply() makes them effective. */
static void select_capabilities(uint64_t kept)
{
	uint64_t had = 0;

	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++)
		had |= (uint64_t)(capng_have_capability(CAPNG_PERMITTED, i) != 0) << i;
	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++) {
		if (had & kept & 1ull << i)
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, i);
	}
}

static int switch_user(const struct privileges *privileges)
{
	const capng_flags_t groups =
		getpwuid(privileges->uid) ? CAPNG_INIT_SUPP_GRP : CAPNG_DROP_SUPP_GRP;

	if (capng_change_id((int)privileges->uid, (int)privileges->gid,
			    groups | CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT) == 0)
		return 0;
	log_error("cannot switch the user: %s; see --run-as", strerror(errno));
	return -EPERM;
}

/* In a unit without capabilities, whose filter allows no capset(2). */
static bool has_none(void)
{
	bool none = true;

	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++)
		none = none && !capng_have_capability(CAPNG_PERMITTED, i);
	return none;
}

/* Without CAP_SETPCAP the bounding set stays. It matters only for execve(2), which is never called.
 */
static int apply(bool may_bound)
{
	if (capng_apply(may_bound ? CAPNG_SELECT_ALL : CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) ==
	    0)
		return 0;
	log_error("cannot drop capabilities: %s", strerror(errno));
	return -EPERM;
}

int privileges_drop(const struct privileges *privileges, uint64_t kept)
{
	bool may_bound;
	int err = 0;

	if (capng_get_caps_process()) {
		log_error("cannot read the capabilities of this process: mount /proc");
		return -EIO;
	}
	may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	if (is_another(privileges)) {
		select_capabilities(kept);
		err = switch_user(privileges);
	} else if (!has_none()) {
		select_capabilities(kept);
		err = apply(may_bound);
	}
	/* Keys are in memory: no core dumps, and only root may trace the process. */
	if (!err)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		err = -errno;
		log_error("cannot set no_new_privs: %s", strerror(errno));
	}
	return err;
}

json_t *privileges_names(uint64_t capabilities)
{
	json_t *names = json_array();

	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++) {
		if (capabilities >> i & 1)
			json_array_append_new(names, json_string(capng_capability_to_name(i)));
	}
	return names;
}

uint64_t privileges_effective(void)
{
	uint64_t effective = 0;

	if (capng_get_caps_process() != 0)
		return 0;
	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++)
		effective |= (uint64_t)(capng_have_capability(CAPNG_EFFECTIVE, i) != 0) << i;
	return effective;
}

json_t *privileges_report(void)
{
	return json_pack("{s:i, s:o}", "uid", (int)geteuid(), "capabilities",
			 privileges_names(privileges_effective()));
}
