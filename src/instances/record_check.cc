#include "instances/record_check.h"

namespace keyhaven::instances {

std::string_view name_of(RecordFault fault) noexcept {
  switch (fault) {
    case RecordFault::Forged:
      return "forged";
    case RecordFault::Old:
      return "old";
    case RecordFault::Returned:
      return "returned";
    case RecordFault::Newer:
      return "newer";
    case RecordFault::Missing:
      return "missing";
    case RecordFault::Damaged:
      return "damaged";
    case RecordFault::StrayAlias:
      return "stray alias";
  }
  fatal(__FILE__, __LINE__, "unknown RecordFault");
}

}  // namespace keyhaven::instances
