/* SPDX-License-Identifier: Apache-2.0
 *
 * See questions.h: the other end of the match thread's rings.
 */
#include <errno.h>
#include <string.h>

#include "engine.h"

int64_t sn_engine__questions(struct sn_engine *engine, void *buf, size_t size, int timeout_ms)
{
	struct sn_enrichment *e = engine->enrichment;
	const void *question;
	size_t used = 0, n;

	if (!e)
		return -ENOTSUP;
	sn_ring__wait(e->questions, timeout_ms);
	while ((question = sn_ring__peek(e->questions, &n)) && n <= size - used) {
		memcpy((uint8_t *)buf + used, question, n);
		used += n;
		sn_ring__advance(e->questions);
	}
	sn_ring__release(e->questions);
	return (int64_t)used;
}

void sn_engine__end_questions(struct sn_engine *engine)
{
	if (engine->enrichment)
		sn_ring__interrupt(engine->enrichment->questions);
}

int sn_engine__tell(struct sn_engine *engine, const void *told, size_t size)
{
	struct sn_enrichment *e = engine->enrichment;
	struct sn_told_head head;
	int rc;

	if (!e)
		return -ENOTSUP;
	if (size < sizeof(head))
		return -EINVAL;
	memcpy(&head, told, sizeof(head));
	if (head.size != size || head.what < SN_TOLD_FACTS || head.what > SN_TOLD_FORGET || size > SN_FACTS_MAX * 2 ||
	    (head.what == SN_TOLD_FACTS &&
	     !sn_facts__is_sound((const uint8_t *)told + sizeof(head), size - sizeof(head))))
		return -EINVAL;
	rc = sn_ring__push(e->told, told, size);
	sn_ring__publish(e->told);
	/* it sleeps on the ring of events */
	sn_ring__interrupt(engine->ring);
	return rc;
}

int sn_engine__settle(struct sn_engine *engine, int all)
{
	if (atomic_load(&engine->state) == SN_ENGINE_RUNNING)
		return -EBUSY;
	if (all)
		sn_etw_feed__flush(engine);
	if (engine->current)
		sn_enrichment__settle(engine, all);
	return 0;
}
