// Inventories of wrapped DEKs: CSV with the header key,wdek,aad,ref, or JSON Lines with the same
// names. Read as a stream, so that ten million rows need no more memory than ten.
#pragma once

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/types.h"
#include "migrate/csv.h"

namespace keyhaven::migrate {

enum class InventoryFormat : std::uint8_t { Csv, JsonLines };

struct InventoryRow {
  std::uint64_t line = 0;  // in the file, from 1
  std::string key;         // id, alias or CRN
  std::string wdek;        // base64, opaque
  client::AadList aad;     // ordered
  std::string aad_text;    // CSV: as written, so that it is written back unchanged
  std::string ref;         // the caller's own
};

// How a file is written, so that the new inventory has the columns of the old one, in their order.
struct InventoryLayout {
  InventoryFormat format = InventoryFormat::Csv;
  // CSV: which of key, wdek, aad, ref (0 to 3) each column holds. JSON Lines: not used.
  std::vector<std::size_t> columns = {0, 1, 2, 3};
};

// What the reader met: a row, or a row that is none (the reader goes on), or the end.
struct InventoryItem {
  std::optional<InventoryRow> row;
  std::uint64_t line = 0;
  std::string problem;  // set when `row` is not
  std::string ref;      // then: what is known of the row's own reference
};

// Not thread-safe.
class InventoryReader {
 public:
  // ".jsonl", ".ndjson" and ".json" are JSON Lines, everything else CSV. Errors: Io,
  // InvalidArgument (CSV without the columns key and wdek in its header; unknown columns are
  // refused, because they would be lost; a file in UTF-16).
  static Result<std::unique_ptr<InventoryReader>> open(const std::string& path);
  const InventoryLayout& layout() const noexcept { return layout_; }
  // nullopt at the end. Errors: Io.
  Result<std::optional<InventoryItem>> next();

 private:
  InventoryReader(std::ifstream in, InventoryFormat format);
  Result<void> read_header(const std::string& path);
  InventoryItem csv_row(CsvRecord record) const;
  Result<std::optional<InventoryItem>> next_csv();
  Result<std::optional<InventoryItem>> next_json();
  Result<std::optional<InventoryItem>> at_end() const;
  std::ifstream in_;
  InventoryLayout layout_;
  CsvReader csv_;
  LineReader lines_;  // JSON Lines
};

// Whether `text` is UTF-8 (RFC 3629): what is not came from a file of another encoding.
bool is_utf8(std::string_view text) noexcept;

// One JSON Lines row. Errors: InvalidArgument. Total on hostile input.
Result<InventoryRow> parse_json_row(std::string_view line);

// The JSON list of a CSV aad cell; empty is an empty list. Errors: InvalidArgument.
Result<client::AadList> parse_aad(std::string_view text);

// One row as `layout` says, with its line end.
void append_row(std::string& out, const InventoryLayout& layout, const InventoryRow& row);
// The CSV header line; empty for JSON Lines.
std::string header_of(const InventoryLayout& layout);

// Whether both paths lead to one existing file.
bool is_same_file(const std::string& a, const std::string& b);

}  // namespace keyhaven::migrate
