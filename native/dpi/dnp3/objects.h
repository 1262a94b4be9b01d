// The objects of a DNP3 application message (IEEE 1815, annex A). Each begins with
//
//   0  group   1  variation   2  qualifier: size of the prefixes (bits 4-6), range (bits 0-3)
//   3  range: first and last index, or a count, in 1, 2 or 4 bytes; none for "all"
//
// and has its points behind it, each behind a prefix, in the layout of its group and variation.
#pragma once

#include "base/bytes.h"
#include "base/event_writer.h"

namespace thymus::dpi {

struct Dnp3ObjectFaults {
  bool is_unknown_object = false;
  bool has_too_many_points = false;
};

// Adds the objects to event::dnp3::application under way. False when they are cut.
bool write_dnp3_objects(Bytes objects, EventWriter* events, Dnp3ObjectFaults* faults);

}  // namespace thymus::dpi
