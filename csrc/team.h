/* How threads share many short pieces of work: what they say to each other are numbers in memory. */
#ifndef NNLITE_TEAM_H
#define NNLITE_TEAM_H

#include "host.h"

#include <sched.h>

/* A loop of OpenMP ends where its slowest thread does, and one that another program keeps from its core is late by
 * milliseconds. Here a thread takes each piece by itself: what nobody has taken, the caller takes. That one thread alone
 * gets it is all that `take` sees to. What is written before `tell` is seen by whoever has waited for it. */

static inline int take(long *piece, long turn)
{
    long before = turn - 1;
    return __atomic_compare_exchange_n(piece, &before, turn, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static inline void tell(long *at, long turn) { __atomic_store_n(at, turn, __ATOMIC_RELEASE); }

/* Wait as long as `old` is there; the core is not given away at first: what is waited for takes microseconds. */
static inline long wait_for_change(const long *at, long old)
{
    long now;
    for (unsigned tries = 0; (now = __atomic_load_n(at, __ATOMIC_ACQUIRE)) == old; tries++)
        if (tries > 1000)
            sched_yield();
        else
            PAUSE();
    return now;
}

/* The pieces 0 .. count - 1 of a loop. A thread begins with its own share, which it had the last time, too: what it reads
 * and writes is in its cache, not in that of another core. Then it helps with the others': cores are not equally fast. */
enum { SHARES = 64 };

struct Pieces {
    long count, shares, taken[SHARES];
};

static inline struct Pieces shared_out(long count, long threads)
{
    struct Pieces pieces = {count, threads < SHARES ? threads : SHARES, {0}};
    return pieces;
}

/* To be called `count` times. */
static inline long next_piece(struct Pieces *pieces, long thread)
{
    for (long share = thread % pieces->shares;; share = (share + 1) % pieces->shares) {
        const long first = pieces->count * share / pieces->shares, end = pieces->count * (share + 1) / pieces->shares;
        const long piece = first + __atomic_fetch_add(&pieces->taken[share], 1, __ATOMIC_RELAXED);
        if (piece < end)
            return piece;
    }
}

#endif
