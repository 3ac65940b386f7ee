/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_told.h"

#include <string.h>

#include "etw_text.h"

enum { NET_ACCEPT4 = 15, NET_ACCEPT6 = 31, NET_UDP4 = 42, NET_UDP6 = 58 }; /* ids */
enum {
	IMAGE = SN_ETW_FIRST_PROCESS_START + SN_ETW_PROCESS_START_ImageName,
	ANSWERS = SN_ETW_FIRST_DNS_ANSWER + SN_ETW_DNS_ANSWER_QueryResults,
};

static const char *const own_names[] = {
#define SN_ETW_OWN_MEMBER(name) #name,
	SN_ETW_OWN_MEMBERS(SN_ETW_OWN_MEMBER)};

const char *sn_etw__member_name(uint32_t member)
{
	return member < SN_ETW_ALL_COLUMNS ? sn_etw__column_name(member) : own_names[member - SN_ETW_ALL_COLUMNS];
}

/* ---- members ---- */

static int wants(const struct sn_etw_hearer *hearer, uint32_t member)
{
	return !hearer->wanted || hearer->wanted[member];
}

static void tell(const struct sn_etw_hearer *hearer, uint32_t member, const struct sn_etw_column *value)
{
	if (wants(hearer, member))
		hearer->value(hearer->of, member, value);
}

static void tell_number(const struct sn_etw_hearer *hearer, uint32_t member, uint64_t number)
{
	if (wants(hearer, member))
		tell(hearer, member, &(struct sn_etw_column){.type = SN_ETW_U64, .there = 1, .number = number});
}

static void tell_ascii(const struct sn_etw_hearer *hearer, uint32_t member, const char *text)
{
	struct sn_etw_column value = {.type = SN_ETW_ATEXT, .there = 1, .bytes.at = (const uint8_t *)text};

	if (!wants(hearer, member))
		return;
	value.bytes.len = (uint32_t)strlen(text);
	tell(hearer, member, &value);
}

static void tell_wide(const struct sn_etw_hearer *hearer, uint32_t member, struct sn_bytes text)
{
	tell(hearer, member, &(struct sn_etw_column){.type = SN_ETW_WTEXT, .there = 1, .bytes = text});
}

static void tell_actor(const struct sn_etw_hearer *hearer, uint32_t member, const struct sn_actor *actor,
		       enum sn_actor_text which)
{
	if (actor && actor->text[which] && wants(hearer, member))
		hearer->actor(hearer->of, member, actor, which);
}

/* Some columns have a value that says nothing: a time that is none, a user that is not said. */
static int is_said(const struct sn_etw_column *column)
{
	switch (column->type) {
	case SN_ETW_BLOB:
		return 0;
	case SN_ETW_TIME:
		return column->there && sn_etw__filetime_ns(column->number);
	case SN_ETW_SID:
	case SN_ETW_USER:
		return column->bytes.len != 0;
	default:
		return column->there;
	}
}

/* As `member`, which has the column's name. */
static void tell_column(const struct sn_etw_hearer *hearer, uint32_t member, const struct sn_etw_column *column)
{
	if (wants(hearer, member) && is_said(column))
		tell(hearer, member, column);
}

static int is_start(const struct sn_etw_told *told)
{
	return told->event.id == 1 &&
	       (told->main->provider == SN_ETW_KERNEL_PROCESS || told->main->provider == SN_ETW_CLASSIC_PROCESS);
}

/* A column of a start that is the process's text. */
static void tell_learnt(const struct sn_etw_told *told, const struct sn_etw_hearer *hearer, uint32_t member,
			const struct sn_etw_column *column, enum sn_actor_text which)
{
	if (hearer->takes_learnt && column->bytes.len && told->process && told->process->text[which])
		tell_actor(hearer, member, told->process, which);
	else
		tell_column(hearer, member, column);
}

static void tell_columns(const struct sn_etw_told *told, const struct sn_etw_hearer *hearer)
{
	const struct sn_etw_decoded *main = told->main;

	_Static_assert((int)SN_ETW_COLUMNS_MAX < 32, "a bit each");
	for (uint32_t left = hearer->columns & ((1u << main->count) - 1); left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(left), member = main->first + i;

		if (member == IMAGE && is_start(told))
			tell_learnt(told, hearer, member, &main->column[i], SN_ACTOR_IMAGE);
		else if (member == ANSWERS && !main->column[i].bytes.len)
			tell_ascii(hearer, member, "-"); /* as Sysmon writes that there are none */
		else
			tell_column(hearer, member, &main->column[i]);
	}
}

/* ---- what columns alone do not say ---- */

static void tell_head(const struct sn_etw_told *told, const struct sn_etw_hearer *hearer)
{
	const struct sn_etw_event *event = &told->event;

	tell_ascii(hearer, SN_ETW_OWN_Provider_Name, sn_etw__provider_name(told->main->provider));
	tell_number(hearer, SN_ETW_OWN_EventID, event->id);
	tell_number(hearer, SN_ETW_OWN_Version, event->version);
	tell(hearer, SN_ETW_OWN_TimeCreated,
	     &(struct sn_etw_column){.type = SN_ETW_NS, .there = 1, .number = event->time});
	if (event->pid != UINT32_MAX) {
		tell_number(hearer, SN_ETW_OWN_ExecutionProcessID, event->pid);
		tell_number(hearer, SN_ETW_OWN_ExecutionThreadID, event->tid);
	}
}

/* Mandatory levels, S-1-16-N, as Sysmon names them. */
static void tell_integrity(const struct sn_etw_hearer *hearer, const struct sn_etw_column *label)
{
	static const uint8_t head[] = {1, 1, 0, 0, 0, 0, 0, 16};
	static const struct {
		uint32_t level;
		const char *name;
	} levels[] = {{0, "Untrusted"}, {4096, "Low"}, {8192, "Medium"}, {12288, "High"}, {16384, "System"}};
	uint32_t level = 0;

	if (label->bytes.len != sizeof(head) + 4 || memcmp(label->bytes.at, head, sizeof(head)) != 0)
		return;
	for (uint32_t i = 4; i > 0; i--)
		level = level << 8 | label->bytes.at[sizeof(head) + i - 1];
	for (uint32_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		if (levels[i].level == level)
			tell_ascii(hearer, SN_ETW_OWN_IntegrityLevel, levels[i].name);
}

/* The kernel's own process has no file. */
static int is_kernel(const struct sn_etw_told *told)
{
	enum { KERNEL = 4 };

	return told->pid == KERNEL && (!told->process || !told->process->text[SN_ACTOR_IMAGE]);
}

static void tell_user(const struct sn_etw_told *told, const struct sn_etw_hearer *hearer)
{
	if (is_kernel(told))
		tell_ascii(hearer, SN_ETW_OWN_User, "NT AUTHORITY\\SYSTEM");
	else
		tell_actor(hearer, SN_ETW_OWN_User, told->process, SN_ACTOR_USER);
}

static void tell_doer(const struct sn_etw_told *told, const struct sn_etw_hearer *hearer)
{
	const struct sn_actor *parent = NULL;

	if (is_kernel(told))
		tell_ascii(hearer, SN_ETW_OWN_Image, "System");
	else
		tell_actor(hearer, SN_ETW_OWN_Image, told->process, SN_ACTOR_IMAGE);
	tell_actor(hearer, SN_ETW_OWN_CommandLine, told->process, SN_ACTOR_LINE);
	if (told->process && (wants(hearer, SN_ETW_OWN_ParentImage) || wants(hearer, SN_ETW_OWN_ParentCommandLine)))
		parent = sn_actors__parent(told->actors, told->process);
	tell_actor(hearer, SN_ETW_OWN_ParentImage, parent, SN_ACTOR_IMAGE);
	tell_actor(hearer, SN_ETW_OWN_ParentCommandLine, parent, SN_ACTOR_LINE);
}

static void tell_parent(const struct sn_etw_told *told, const struct sn_etw_hearer *hearer)
{
	const struct sn_actor *before = NULL;

	tell_actor(hearer, SN_ETW_OWN_ParentImage, told->parent, SN_ACTOR_IMAGE);
	tell_actor(hearer, SN_ETW_OWN_ParentCommandLine, told->parent, SN_ACTOR_LINE);
	tell_actor(hearer, SN_ETW_OWN_ParentUser, told->parent, SN_ACTOR_USER);
	if (told->parent && wants(hearer, SN_ETW_OWN_GrandParentImage))
		before = sn_actors__parent(told->actors, told->parent);
	tell_actor(hearer, SN_ETW_OWN_GrandParentImage, before, SN_ACTOR_IMAGE);
}

static void tell_start(const struct sn_etw_told *told, const struct sn_etw_hearer *hearer)
{
	if (told->classic) {
		const struct sn_etw_column *column = told->classic->column;

		tell_learnt(told, hearer, SN_ETW_OWN_CommandLine, &column[SN_ETW_CLASSIC_PROCESS_CommandLine],
			    SN_ACTOR_LINE);
		tell_column(hearer, SN_ETW_OWN_UserSID, &column[SN_ETW_CLASSIC_PROCESS_UserSID]);
	} else if (told->line_from) {
		tell_actor(hearer, SN_ETW_OWN_CommandLine, told->process, SN_ACTOR_LINE);
		tell_ascii(hearer, SN_ETW_OWN_CommandLineFrom, told->line_from);
	}
	if (told->main->provider == SN_ETW_KERNEL_PROCESS)
		tell_integrity(hearer, &told->main->column[SN_ETW_PROCESS_START_MandatoryLabel]);
	else
		tell_actor(hearer, SN_ETW_OWN_Image, told->process, SN_ACTOR_IMAGE);
	tell_parent(told, hearer);
}

int sn_etw__is_network(enum sn_etw_provider provider)
{
	return provider == SN_ETW_KERNEL_NETWORK || provider == SN_ETW_CLASSIC_TCP || provider == SN_ETW_CLASSIC_UDP;
}

static void tell_end(const struct sn_etw_told *told, const struct sn_etw_hearer *hearer, uint32_t ip, uint32_t address,
		     uint32_t port, uint32_t number)
{
	tell(hearer, ip, &told->main->column[address]);
	tell_number(hearer, port, told->main->column[number].number);
}

/* saddr is this machine, daddr the other one, whoever began; Sysmon's source is who began. All layouts begin alike. Of
 * a datagram it is not known which of them was the first. */
static void tell_connection(const struct sn_etw_told *told, const struct sn_etw_hearer *hearer)
{
	uint16_t id = told->event.id;
	int accepted = id == NET_ACCEPT4 || id == NET_ACCEPT6;
	int datagram = told->main->provider == SN_ETW_CLASSIC_UDP || id == NET_UDP4 || id == NET_UDP6;
	int is_ip6 = told->main->column[SN_ETW_TCP4_daddr].type == SN_ETW_IP6;

	_Static_assert((int)SN_ETW_TCP4_daddr == (int)SN_ETW_UDP6_daddr &&
			       (int)SN_ETW_TCP4_sport == (int)SN_ETW_UDP6_sport &&
			       (int)SN_ETW_TCP4_sport == (int)SN_ETW_TCP6_sport &&
			       (int)SN_ETW_TCP4_sport == (int)SN_ETW_UDP4_sport &&
			       (int)SN_ETW_TCP4_sport == (int)SN_ETW_CLASSIC_TCP4_sport &&
			       (int)SN_ETW_TCP4_sport == (int)SN_ETW_CLASSIC_TCP6_sport &&
			       (int)SN_ETW_TCP4_sport == (int)SN_ETW_CLASSIC_UDP4_sport &&
			       (int)SN_ETW_TCP4_sport == (int)SN_ETW_CLASSIC_UDP6_sport,
		       "columns are taken by TCP4's numbers");
	tell_ascii(hearer, SN_ETW_OWN_Protocol, datagram ? "udp" : "tcp");
	if (!datagram)
		tell_ascii(hearer, SN_ETW_OWN_Initiated, accepted ? "false" : "true");
	tell_end(told, hearer, accepted ? SN_ETW_OWN_DestinationIp : SN_ETW_OWN_SourceIp, SN_ETW_TCP4_saddr,
		 accepted ? SN_ETW_OWN_DestinationPort : SN_ETW_OWN_SourcePort, SN_ETW_TCP4_sport);
	tell_end(told, hearer, accepted ? SN_ETW_OWN_SourceIp : SN_ETW_OWN_DestinationIp, SN_ETW_TCP4_daddr,
		 accepted ? SN_ETW_OWN_SourcePort : SN_ETW_OWN_DestinationPort, SN_ETW_TCP4_dport);
	tell_ascii(hearer, SN_ETW_OWN_SourceIsIpv6, is_ip6 ? "true" : "false");
	tell_ascii(hearer, SN_ETW_OWN_DestinationIsIpv6, is_ip6 ? "true" : "false");
	if (told->host.len)
		tell_wide(hearer, accepted ? SN_ETW_OWN_SourceHostname : SN_ETW_OWN_DestinationHostname, told->host);
}

static void tell_details(const struct sn_etw_hearer *hearer, const struct sn_etw_column *column)
{
	char room[SN_SYSMON_DETAILS_MAX];
	struct sn_etw_column details = {.there = 1};

	if (sn_etw__details(&details, room, column[SN_ETW_VALUE_SET_Type].number,
			    column[SN_ETW_VALUE_SET_DataSize].number, column[SN_ETW_VALUE_SET_CapturedData].bytes))
		tell(hearer, SN_ETW_OWN_Details, &details);
}

static void tell_registry(const struct sn_etw_told *told, const struct sn_etw_hearer *hearer)
{
	enum { SET = 5, DELETE_VALUE };
	static const char *const types[] = {
		[1] = "CreateKey", [3] = "DeleteKey", [SET] = "SetValue", [DELETE_VALUE] = "DeleteValue"};
	const struct sn_etw_column *value = NULL, *column = told->main->column;

	tell_ascii(hearer, SN_ETW_OWN_EventType, types[told->event.id]);
	if (told->key.len)
		tell_wide(hearer, SN_ETW_OWN_Key, told->key);
	if (told->event.id == SET) {
		value = &column[SN_ETW_VALUE_SET_ValueName];
		tell_details(hearer, column);
	} else if (told->event.id == DELETE_VALUE) {
		value = &column[SN_ETW_VALUE_DELETE_ValueName];
	}
	if (value && told->key.len && value->bytes.len)
		tell_wide(hearer, SN_ETW_OWN_Value, value->bytes);
	else if (value && told->key.len)
		tell_ascii(hearer, SN_ETW_OWN_Value, "(Default)");
}

void sn_etw__tell(const struct sn_etw_told *told, const struct sn_etw_hearer *hearer)
{
	enum sn_etw_provider provider = told->main->provider;

	tell_head(told, hearer);
	tell_columns(told, hearer);
	if (is_start(told))
		tell_start(told, hearer);
	else
		tell_doer(told, hearer);
	if (provider != SN_ETW_WMI_ACTIVITY) /* it has another User */
		tell_user(told, hearer);
	if (sn_etw__is_network(provider))
		tell_connection(told, hearer);
	else if (provider == SN_ETW_KERNEL_REGISTRY)
		tell_registry(told, hearer);
}
