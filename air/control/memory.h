/*
 * Memory: what the engine's memory does with what is not used any more. Pictures, their decoders and scalers come and
 * go with every segment, in pieces of some 100 KB to 4 MB; and of 220 libraries, which are all looked through when the
 * program starts, a tenth is ever used afterwards.
 */
#pragma once

/* Once, before there is a second thread. From now on large pieces are the system's again as soon as they are freed,
 * instead of holes in a heap. */
void memory_prepare(void);

/* Any thread, after what is slow about a start: gives up what is only in memory because starting has read it. Program
 * text that is needed again comes back from the file cache as it is touched. */
void memory_settle(void);
