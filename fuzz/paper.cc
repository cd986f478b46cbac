// Lines of a paper as they are typed, in digits and in words; the first byte chooses the kind. What
// is complete reads back from its own page.
#include "tke/paper.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto kind = fuzz::take_byte(in) % 2 == 0 ? tke::PaperKind::Part : tke::PaperKind::Share;
  tke::PaperReader reader(kind);
  std::string_view text = as_text(in);
  while (!text.empty() && !reader.complete()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const unsigned line = reader.next_line();
    const auto added = reader.add(text.substr(0, end));
    KH_ASSERT(reader.next_line() == line + (added ? 1U : 0U));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  KH_ASSERT(reader.content().has_value() == reader.complete());
  if (!reader.complete() || kind == tke::PaperKind::Part) return;
  if (const auto share = tke::share_of_paper(reader.content().value())) {
    KH_ASSERT(tke::paper_content(*share) == reader.content().value());
  }
}
