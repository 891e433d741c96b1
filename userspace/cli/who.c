/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/who.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "stun/protocol.h"

static int check_user(const char *text)
{
	return *text && strlen(text) <= STUN_USERNAME_MAX ? 0 : -EINVAL;
}

static int check_client(const char *text)
{
	struct turnpike_addr addr;

	return addr_parse(text, &addr);
}

static int check_id(const char *text)
{
	char *end;
	long long id;

	errno = 0;
	id = strtoll(text, &end, 10);
	return id > 0 && !errno && !*end ? 0 : -EINVAL;
}

static const struct {
	const char *key;
	int (*check)(const char *text);
} kinds[] = { { "user", check_user }, { "client", check_client }, { "id", check_id }, { 0 } };

static int find_kind(const char *key)
{
	for (int i = 0; kinds[i].key; i++) {
		if (strcmp(kinds[i].key, key) == 0)
			return i;
	}
	return -EINVAL;
}

int who_take_word(struct who *who, const char *word)
{
	const int kind = find_kind(who->key ? who->key : word);

	if (kind < 0 || who->value)
		return -EINVAL;
	if (!who->key)
		who->key = word;
	else if (kinds[kind].check(word))
		return -EINVAL;
	else
		who->value = word;
	return 0;
}

int who_take_word_or_user(struct who *who, const char *word)
{
	if (!who->key && find_kind(word) < 0)
		who->key = "user";
	return who_take_word(who, word);
}

bool who_is_incomplete(const struct who *who)
{
	return who->key && !who->value;
}

json_t *who_request(const struct who *who, const char *command)
{
	json_t *request = json_pack("{s:s}", "command", command);

	if (who->key)
		json_object_set_new(request, who->key,
				    strcmp(who->key, "id") == 0
					    ? json_integer(strtoll(who->value, NULL, 10))
					    : json_string(who->value));
	return request;
}
