/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_line.h"

#include "etw_text.h"
#include "text.h"

enum { NET_ACCEPT4 = 15, NET_ACCEPT6 = 31, NET_UDP4 = 42, NET_UDP6 = 58, DNS_ANSWER = 3008 }; /* ids */

static int is_network(enum sn_etw_provider provider)
{
	return provider == SN_ETW_KERNEL_NETWORK || provider == SN_ETW_CLASSIC_TCP || provider == SN_ETW_CLASSIC_UDP;
}

static void write_wide(struct sn_writer *w, const char *name, struct sn_bytes text)
{
	if (!text.len)
		return;
	sn_write__key(w, name, strlen(name));
	sn_etw__write_wide(w, text);
	sn_write__literal(w, ",");
}

static void write_head(struct sn_writer *w, const struct sn_etw_event *event, enum sn_etw_provider provider)
{
	const char *name = sn_etw__provider_name(provider);

	sn_write__literal(w, "{\"Provider_Name\":\"");
	sn_write__bytes(w, name, strlen(name));
	sn_write__literal(w, "\",");
	sn_write__member(w, "EventID", event->id);
	sn_write__member(w, "Version", event->version);
	sn_write__literal(w, "\"TimeCreated\":");
	sn_write__time(w, event->time);
	sn_write__literal(w, ",");
	if (event->pid != UINT32_MAX) {
		sn_write__member(w, "ExecutionProcessID", event->pid);
		sn_write__member(w, "ExecutionThreadID", event->tid);
	}
}

/* ---- what columns alone do not say ---- */

static int is_start(const struct sn_etw_event *event, const struct sn_etw_decoded *decoded)
{
	return event->id == 1 &&
	       (decoded->provider == SN_ETW_KERNEL_PROCESS || decoded->provider == SN_ETW_CLASSIC_PROCESS);
}

/* Mandatory levels, S-1-16-N, as Sysmon names them. */
static void write_integrity(struct sn_writer *w, const struct sn_etw_column *label)
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
	for (uint32_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		if (levels[i].level != level)
			continue;
		sn_write__literal(w, "\"IntegrityLevel\":\"");
		sn_write__bytes(w, levels[i].name, strlen(levels[i].name));
		sn_write__literal(w, "\",");
	}
}

static void write_actor(struct sn_writer *w, const struct sn_etw_known *known, const struct sn_actor *actor,
			enum sn_actor_text which, const char *name)
{
	if (actor)
		sn_actors__write(known->actors, actor, which, w, name);
}

static void write_start(struct sn_writer *w, const struct sn_etw_decoded *decoded, const struct sn_etw_known *known)
{
	if (known->classic) {
		sn_etw__write_column(w, known->classic, SN_ETW_CLASSIC_PROCESS_CommandLine);
		sn_etw__write_column(w, known->classic, SN_ETW_CLASSIC_PROCESS_UserSID);
	} else if (known->line_from) {
		write_actor(w, known, known->process, SN_ACTOR_LINE, "CommandLine");
		sn_write__literal(w, "\"CommandLineFrom\":\"");
		sn_write__bytes(w, known->line_from, strlen(known->line_from));
		sn_write__literal(w, "\",");
	}
	if (decoded->provider == SN_ETW_KERNEL_PROCESS)
		write_integrity(w, &decoded->column[SN_ETW_PROCESS_START_MandatoryLabel]);
	else
		write_actor(w, known, known->process, SN_ACTOR_IMAGE, "Image");
	write_actor(w, known, known->parent, SN_ACTOR_IMAGE, "ParentImage");
	write_actor(w, known, known->parent, SN_ACTOR_LINE, "ParentCommandLine");
}

static void write_end(struct sn_writer *w, const struct sn_etw_decoded *decoded, const char *ip, uint32_t address,
		      const char *port, uint32_t number)
{
	struct sn_etw_column column = decoded->column[address];
	uint8_t whole[16] = {0};
	char text[SN_TEXT_ADDRESS];

	memcpy(whole, column.bytes.at, column.bytes.len);
	sn_write__key(w, ip, strlen(ip));
	sn_write__literal(w, "\"");
	sn_write__bytes(w, text, sn_text__address(text, column.type == SN_ETW_IP4 ? 2 : 10, whole));
	sn_write__literal(w, "\",");
	sn_write__member(w, port, decoded->column[number].number);
}

/* saddr is this machine, daddr the other one, whoever began; Sysmon's source is who began. All layouts begin alike. Of
 * a datagram it is not known which of them was the first. */
static void write_connection(struct sn_writer *w, const struct sn_etw_event *event,
			     const struct sn_etw_decoded *decoded)
{
	int accepted = event->id == NET_ACCEPT4 || event->id == NET_ACCEPT6;
	int datagram = decoded->provider == SN_ETW_CLASSIC_UDP || event->id == NET_UDP4 || event->id == NET_UDP6;

	_Static_assert((int)SN_ETW_TCP4_daddr == (int)SN_ETW_UDP6_daddr &&
			       (int)SN_ETW_TCP4_sport == (int)SN_ETW_UDP6_sport &&
			       (int)SN_ETW_TCP4_sport == (int)SN_ETW_TCP6_sport &&
			       (int)SN_ETW_TCP4_sport == (int)SN_ETW_UDP4_sport &&
			       (int)SN_ETW_TCP4_sport == (int)SN_ETW_CLASSIC_TCP4_sport &&
			       (int)SN_ETW_TCP4_sport == (int)SN_ETW_CLASSIC_TCP6_sport &&
			       (int)SN_ETW_TCP4_sport == (int)SN_ETW_CLASSIC_UDP4_sport &&
			       (int)SN_ETW_TCP4_sport == (int)SN_ETW_CLASSIC_UDP6_sport,
		       "columns are taken by TCP4's numbers");
	if (datagram) {
		sn_write__literal(w, "\"Protocol\":\"udp\",");
	} else {
		sn_write__literal(w, "\"Protocol\":\"tcp\",\"Initiated\":");
		sn_write__bytes(w, accepted ? "\"false\"," : "\"true\",", accepted ? 8 : 7);
	}
	write_end(w, decoded, accepted ? "DestinationIp" : "SourceIp", SN_ETW_TCP4_saddr,
		  accepted ? "DestinationPort" : "SourcePort", SN_ETW_TCP4_sport);
	write_end(w, decoded, accepted ? "SourceIp" : "DestinationIp", SN_ETW_TCP4_daddr,
		  accepted ? "SourcePort" : "DestinationPort", SN_ETW_TCP4_dport);
}

static void write_registry(struct sn_writer *w, const struct sn_etw_event *event, const struct sn_etw_decoded *decoded,
			   struct sn_bytes key)
{
	static const char *const types[] = {
		[1] = "CreateKey", [3] = "DeleteKey", [5] = "SetValue", [6] = "DeleteValue"};
	const struct sn_etw_column *value = NULL, *column = decoded->column;

	sn_write__literal(w, "\"EventType\":\"");
	sn_write__bytes(w, types[event->id], strlen(types[event->id]));
	sn_write__literal(w, "\",");
	write_wide(w, "Key", key);
	if (event->id == 5) {
		value = &column[SN_ETW_VALUE_SET_ValueName];
		sn_etw__write_details(w, column[SN_ETW_VALUE_SET_Type].number, column[SN_ETW_VALUE_SET_DataSize].number,
				      column[SN_ETW_VALUE_SET_CapturedData].bytes);
	} else if (event->id == 6) {
		value = &column[SN_ETW_VALUE_DELETE_ValueName];
	}
	if (value && key.len && value->bytes.len)
		write_wide(w, "Value", value->bytes);
	else if (value && key.len)
		sn_write__literal(w, "\"Value\":\"(Default)\",");
}

/* A column, unless Sysmon writes it otherwise. */
static void write_column(struct sn_writer *w, const struct sn_etw_event *event, const struct sn_etw_decoded *decoded,
			 uint32_t number, const struct sn_etw_names *names)
{
	const struct sn_etw_column *column = &decoded->column[number];
	const char *name = sn_etw__column_name(decoded->layout, number);

	if (decoded->provider == SN_ETW_DNS_CLIENT && event->id == DNS_ANSWER &&
	    number == SN_ETW_DNS_ANSWER_QueryResults && !column->bytes.len) {
		sn_write__literal(w, "\"QueryResults\":\"-\","); /* as Sysmon has none */
	} else if (column->type == SN_ETW_WPATH && column->there) {
		sn_write__key(w, name, strlen(name));
		sn_etw_names__write_path(names, w, column->bytes);
		sn_write__literal(w, ",");
	} else {
		sn_etw__write_column(w, decoded, number);
	}
}

void sn_etw__write_line(struct sn_writer *w, const struct sn_etw_event *event, const struct sn_etw_decoded *decoded,
			const struct sn_etw_known *known)
{
	write_head(w, event, decoded->provider);
	for (uint32_t i = 0; i < decoded->count; i++)
		write_column(w, event, decoded, i, known->names);
	if (is_start(event, decoded))
		write_start(w, decoded, known);
	else
		write_actor(w, known, known->process, SN_ACTOR_IMAGE, "Image");
	if (decoded->provider != SN_ETW_WMI_ACTIVITY) /* it has another User */
		write_actor(w, known, known->process, SN_ACTOR_USER, "User");
	if (is_network(decoded->provider))
		write_connection(w, event, decoded);
	else if (decoded->provider == SN_ETW_KERNEL_REGISTRY)
		write_registry(w, event, decoded, known->key);
	sn_write__close(w, '}');
	sn_write__literal(w, "\n");
}

void sn_etw__write_left_out(struct sn_writer *w, const struct sn_etw_event *event, const char *reason)
{
	char text[SN_TEXT_NUMBER];

	sn_write__literal(w, "!event ");
	sn_write__bytes(w, text, sn_text__u64(text, event->id));
	sn_write__literal(w, " of version ");
	sn_write__bytes(w, text, sn_text__u64(text, event->version));
	sn_write__literal(w, ": ");
	sn_write__bytes(w, reason, strlen(reason));
	sn_write__literal(w, "\n");
}
