/* The headers of loops, for the REAL of typed.h: tile.h once for vectors of half the width, and then all of them. */
#define BYTES HALF_VECTOR_BYTES
#define SUFFIX JOIN(_half_, TYPE)
#include "tile.h"
#undef BYTES
#undef SUFFIX

#define BYTES VECTOR_BYTES
#define SUFFIX JOIN(_, TYPE)
#define HALF(name) JOIN(name, JOIN(_half_, TYPE))
#include "vmath.h"
#include "tile.h"
#include "row.h"
#include "winograd.h"
#include "pool.h"
#undef BYTES
#undef SUFFIX
#undef HALF
