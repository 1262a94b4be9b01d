// One amount of memory for a run, divided among all that grows with the traffic.
#pragma once

#include <cstddef>

#include "engine/options.h"

namespace thymus::engine {

// What the threads of a run need however little is kept: open batches of each queue, packets on
// their way to lanes, events that wait for acknowledgements, the reader's window and its sketch.
size_t fixed_bytes(const Options& options);

// The least that `limit_memory` can divide for these lanes, shards and queues.
size_t least_memory_bytes(const Options& options);

// Lowers the limits of flows, parser states, waiting TCP payload, fragments and queues, so that
// with fixed_bytes() they take at most `bytes`; a limit that is lower already stays. What finds no
// room is counted where it is left out: flows end early, parsers are not attached, holes are given
// up; of a queue that is full the reader waits for the consumer. REQUIRES: bytes >=
// least_memory_bytes(*options).
void limit_memory(size_t bytes, Options* options);

}  // namespace thymus::engine
