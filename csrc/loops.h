/* The headers of loops, for the REAL of typed.h: tile.h and depthwise.h for vectors of half the width, depthwise.h for
 * single numbers, and then all of them. */
#define BYTES HALF_VECTOR_BYTES
#define SUFFIX JOIN(_half_, TYPE)
#include "tile.h"
#include "depthwise.h"
#undef BYTES
#undef SUFFIX

#define BYTES PICK(4, 8)
#define SUFFIX JOIN(_one_, TYPE)
#include "depthwise.h"
#undef BYTES
#undef SUFFIX

#define BYTES VECTOR_BYTES
#define SUFFIX JOIN(_, TYPE)
#define HALF(name) JOIN(name, JOIN(_half_, TYPE))
#define ONE(name) JOIN(name, JOIN(_one_, TYPE))
#include "vmath.h"
#include "tile.h"
#include "block.h"
#include "row.h"
#include "planes.h"
#include "winograd.h"
#include "pool.h"
#include "depthwise.h"
#undef BYTES
#undef SUFFIX
#undef HALF
#undef ONE
