// sources: process_table.c process_slots.c blob_store.c exec_blob.c record.c
/* Any sequence of records that pass sn_record__check: the table stays within its room and exports only sound records.
 *
 * Input: per record one byte, how many 8-byte words of the rest make it up; its header's size is put right. */
#include <string.h>

#include "check.h"
#include "process_table.h"
#include "sensor.h"

enum { LINEAGE = 64 };

static void check_lineage(const struct sn_table *table, const struct sn_process *process)
{
	static _Alignas(8) uint8_t buf[SN_RECORD_MAX];
	int64_t size;

	for (int depth = 0; process && depth < LINEAGE; depth++) {
		size = sn_table__export(table, process, buf, sizeof(buf));
		CHECK(size > 0 && sn_record__check(buf, (size_t)size) == 0);
		if (sn_table__parent(table, process, &process) != 1)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sn_table_options options = {.bytes = 64 << 10, .entries = 16, .exited_keep_ms = 1};
	struct sn_table_stats stats;
	struct sn_table *table;

	CHECK(sn_table__new(&options, &table) == 0);
	while (size > 1) {
		size_t take = data[0] * (size_t)8;
		struct sn_header *record;

		data++;
		size--;
		take = take < size ? take : size / 8 * 8;
		if (take < sizeof(*record))
			continue;
		record = malloc(take);
		CHECK(record);
		memcpy(record, data, take);
		record->size = (uint32_t)take;
		record->type %= SN_TYPES;
		record->pid %= 16;
		if (sn_record__check(record, take) == 0) {
			sn_table__apply(table, record);
			check_lineage(table, sn_table__find(table, record->pid, record->start));
		}
		free(record);
		data += take;
		size -= take;
	}
	sn_table__stats(table, &stats);
	CHECK(stats.entries <= options.entries && stats.bytes <= options.bytes && stats.exited <= stats.entries);
	sn_table__free(table);
	return 0;
}
