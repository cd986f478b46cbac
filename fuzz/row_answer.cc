// What a program of the owner's answers, and name rules of directories: total; a rule that reads a
// path gives the path back.
#include "fuzz.h"
#include "migrate/directory_inventory.h"
#include "migrate/row_program.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const std::string text(as_text(in));
  const auto answer = migrate::parse_row_answer(text, 7);
  if (answer) KH_ASSERT(answer->refusal.size() <= 512);
  const std::size_t end = text.find('\n');
  if (end == std::string::npos) return;
  const auto rule = migrate::NameRule::parse(text.substr(0, end));
  if (!rule || rule->is_empty()) return;
  const std::string path = text.substr(end + 1);
  const auto row = rule->read(path);
  if (!row) return;
  KH_ASSERT(!row->key.empty() && row->key.find('/') == std::string::npos);
  KH_ASSERT(rule->with_key(path, row->key) == path);
}
