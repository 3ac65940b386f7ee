/* SPDX-License-Identifier: Apache-2.0
 *
 *   "facts":{"image":{"age_s":..,"company":..,"description":..,"file_version":..,"filesystem":..,"first_seen":..,
 *                     "hashes":..,"mount_flags":[..],"original_file_name":..,"owner":..,"package":..,
 *                     "privilege":[..],"product":..,"signature":..,"signature_status":..,"signed":..,"trust":..,
 *                     "version":..,"writable":..,
 *                     "writer":{"age_s":..,"command_line":..,"destination_ip":..,"image":..,"pid":..,"start":..,
 *                               "url":..,"user":..}},
 *            "payload":{..}}
 */
#include "alert_json.h"
#include "facts.h"

/* Of one file, copied out of the frame; state SN_FACTS_NONE: nothing. */
struct shown {
	struct sn_facts head;
	const uint8_t *bytes;
	uint64_t time; /* of the exec */
};

static struct shown shown_of(const uint8_t *facts, uint64_t time)
{
	struct shown shown = {.head = {.state = SN_FACTS_NONE}, .bytes = facts, .time = time};

	if (facts)
		memcpy(&shown.head, facts, sizeof(shown.head));
	return shown;
}

static void put_list(struct sn_writer *w, const uint8_t *at, uint32_t len)
{
	sn_write__literal(w, "[");
	for (uint32_t i = 0; i < len;) {
		struct sn_bytes text = sn_bytes__first((struct sn_bytes){at + i, len - i});

		sn_write__text(w, text.at, text.len);
		i += text.len + 1;
		if (i < len)
			sn_write__literal(w, ",");
	}
	sn_write__literal(w, "]");
}

/* A number that came as text. */
static int put_digits(struct sn_writer *w, const uint8_t *at, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (at[i] < '0' || at[i] > '9' || (len > 1 && *at == '0'))
			return 0;
	sn_write__bytes(w, at, len);
	return len != 0;
}

/* A truth that came as text. */
static int put_truth(struct sn_writer *w, const uint8_t *at, uint32_t len)
{
	bool is_true = len == 4 && memcmp(at, "true", 4) == 0;

	if (!is_true && (len != 5 || memcmp(at, "false", 5) != 0))
		return 0;
	sn_write__bytes(w, is_true ? "true" : "false", len);
	return 1;
}

static int put_age(struct sn_writer *w, uint64_t time, int64_t since)
{
	if (since != INT64_MIN)
		sn_write__number(w, sn_facts__age_s(time, since));
	return since != INT64_MIN;
}

/* The value: 1, or 0 when it is not known or absent. */
static int put_fact(struct sn_writer *w, const struct shown *shown, enum sn_fact fact)
{
	struct sn_span text = shown->head.text[fact];

	if (shown->head.state != SN_FACTS_KNOWN || shown->head.lost & 1u << fact)
		return 0;
	switch (fact) {
	case SN_FACT_AGE:
		return put_age(w, shown->time, shown->head.changed);
	case SN_FACT_WRITTEN_AGE:
		return put_age(w, shown->time, shown->head.written);
	case SN_FACT_FIRST_SEEN:
		if ((int64_t)shown->time <= shown->head.first)
			sn_write__literal(w, "true");
		else
			sn_write__literal(w, "false");
		return 1;
	case SN_FACT_MOUNT_FLAGS:
	case SN_FACT_PRIVILEGE:
		if (text.len)
			put_list(w, shown->bytes + text.off, text.len);
		return text.len != 0;
	case SN_FACT_SIGNED:
		return put_truth(w, shown->bytes + text.off, text.len);
	case SN_FACT_WRITER_PROCESS_ID:
		return put_digits(w, shown->bytes + text.off, text.len);
	default:
		if (text.len)
			sn_write__text(w, shown->bytes + text.off, text.len);
		return text.len != 0;
	}
}

int sn_alert_facts__field(struct sn_writer *w, enum sn_derived_value value, const struct sn_alert_records *records)
{
	struct shown image = shown_of(records->image_facts, records->time),
		     payload = shown_of(records->payload_facts, records->time);

	if (value == SN_VALUE_RENAMED_PROXY) {
		if (records->renamed == SN_IS_RENAMED)
			sn_write__literal(w, "true");
		else
			sn_write__literal(w, "false");
		return records->renamed != SN_NO_PROXY;
	}
	if (value == SN_VALUE_PROXY_IDENTITY)
		return put_fact(w, &image, SN_FACT_IDENTITY);
	if (value >= SN_VALUE_FACT_PAYLOAD_TRUST)
		return put_fact(w, &payload, (enum sn_fact)(value - SN_VALUE_FACT_PAYLOAD_TRUST));
	return put_fact(w, &image, (enum sn_fact)(value - SN_VALUE_FACT_IMAGE_TRUST));
}

static void put_member(struct sn_writer *w, const char *name, const struct shown *shown, enum sn_fact fact)
{
	char *before = w->at;

	sn_write__key(w, name, strlen(name));
	sn_write__end(w, before, put_fact(w, shown, fact));
}

static void put_writer(struct sn_writer *w, const struct shown *shown)
{
	if (!shown->head.text[SN_FACT_WRITER_PROCESS_ID].len)
		return;
	sn_write__literal(w, "\"writer\":{");
	put_member(w, "age_s", shown, SN_FACT_WRITTEN_AGE);
	put_member(w, "command_line", shown, SN_FACT_WRITER_COMMAND_LINE);
	put_member(w, "destination_ip", shown, SN_FACT_WRITER_DESTINATION_IP);
	put_member(w, "image", shown, SN_FACT_WRITER_IMAGE);
	put_member(w, "pid", shown, SN_FACT_WRITER_PROCESS_ID);
	if (shown->head.writer_start)
		sn_write__member(w, "start", shown->head.writer_start);
	put_member(w, "url", shown, SN_FACT_WRITER_URL);
	put_member(w, "user", shown, SN_FACT_WRITER_USER);
	sn_write__close(w, '}');
	sn_write__literal(w, ",");
}

static void put_file(struct sn_writer *w, const char *name, const struct shown *shown)
{
	if (shown->head.state != SN_FACTS_KNOWN)
		return;
	sn_write__key(w, name, strlen(name));
	sn_write__literal(w, "{");
	put_member(w, "age_s", shown, SN_FACT_AGE);
	put_member(w, "company", shown, SN_FACT_COMPANY);
	put_member(w, "description", shown, SN_FACT_DESCRIPTION);
	put_member(w, "file_version", shown, SN_FACT_FILE_VERSION);
	put_member(w, "filesystem", shown, SN_FACT_FILESYSTEM);
	put_member(w, "first_seen", shown, SN_FACT_FIRST_SEEN);
	put_member(w, "hashes", shown, SN_FACT_HASHES);
	put_member(w, "mount_flags", shown, SN_FACT_MOUNT_FLAGS);
	put_member(w, "original_file_name", shown, SN_FACT_ORIGINAL_NAME);
	put_member(w, "owner", shown, SN_FACT_OWNER);
	put_member(w, "package", shown, SN_FACT_PACKAGE);
	put_member(w, "privilege", shown, SN_FACT_PRIVILEGE);
	put_member(w, "product", shown, SN_FACT_PRODUCT);
	put_member(w, "signature", shown, SN_FACT_SIGNATURE);
	put_member(w, "signature_status", shown, SN_FACT_SIGNATURE_STATUS);
	put_member(w, "signed", shown, SN_FACT_SIGNED);
	put_member(w, "trust", shown, SN_FACT_TRUST);
	put_member(w, "version", shown, SN_FACT_PACKAGE_VERSION);
	put_member(w, "writable", shown, SN_FACT_WRITABLE);
	put_writer(w, shown);
	sn_write__close(w, '}');
	sn_write__literal(w, ",");
}

void sn_alert_facts__member(struct sn_writer *w, const struct sn_alert_records *records)
{
	struct shown image = shown_of(records->image_facts, records->time),
		     payload = shown_of(records->payload_facts, records->time);

	if (image.head.state != SN_FACTS_KNOWN && payload.head.state != SN_FACTS_KNOWN)
		return;
	sn_write__literal(w, "\"facts\":{");
	put_file(w, "image", &image);
	put_file(w, "payload", &payload);
	sn_write__close(w, '}');
	sn_write__literal(w, ",");
}

const char *sn_alert_facts__damage(const struct sn_alert_records *records)
{
	struct shown image = shown_of(records->image_facts, records->time),
		     payload = shown_of(records->payload_facts, records->time);

	return image.head.state == SN_FACTS_LATE || payload.head.state == SN_FACTS_LATE ? "late" : "not known";
}

int sn_alert_facts__read(struct sn_alert_records *records, const struct sn_alert *alert, const uint8_t *at, size_t room)
{
	const uint8_t *payload = at + alert->image_facts;

	if (alert->image_facts > room || alert->payload_facts > room - alert->image_facts ||
	    (alert->image_facts && !sn_facts__is_sound(at, alert->image_facts)) ||
	    (alert->payload_facts && !sn_facts__is_sound(payload, alert->payload_facts)) ||
	    alert->renamed > SN_IS_RENAMED)
		return 0;
	records->image_facts = alert->image_facts ? at : NULL;
	records->payload_facts = alert->payload_facts ? payload : NULL;
	records->renamed = alert->renamed;
	return 1;
}
