#include "client/transfers.h"

#include <algorithm>
#include <limits>

#include "client/errors.h"
#include "client/json_fields.h"

namespace keyhaven::client {
namespace {

constexpr std::size_t kMaxName = 240;
constexpr std::size_t kMaxCode = 64;
constexpr std::size_t kMaxReason = 1024;

// A document and the parser that owns what it points to.
class Document {
 public:
  Result<dom::object> root(std::string_view json) {
    dom::element element;
    dom::object object;
    if (parser_.parse(json.data(), json.size()).get(element) != simdjson::SUCCESS ||
        element.get_object().get(object) != simdjson::SUCCESS)
      return Error{Reason::BadBody, "the answer is not a JSON object", {}};
    return object;
  }

 private:
  dom::parser parser_;
};

// Appends what `read` makes of each object of a list; what is wrong in one is the list's fault.
template <class T, class Read>
std::vector<T> list_of(Fields& parent, std::string_view name, const Read& read) {
  std::vector<T> out;
  for (const dom::element& item : parent.array(name)) {
    dom::object object;
    if (item.get_object().get(object) != simdjson::SUCCESS) {
      parent.refuse(name, "a list of objects");
      break;
    }
    Fields fields(object);
    out.push_back(read(fields));
    parent.adopt(fields);
  }
  return out;
}

template <class Id>
Id id_of(Fields& fields, std::string_view name) {
  const auto id = Id::parse(fields.text(name));
  if (id) return *id;
  fields.refuse(name, "a UUID");
  return {};
}

std::string shown(Fields& fields, std::string_view name, std::size_t limit) {
  return printable(fields.text(name), limit);
}

std::uint32_t small_number(Fields& fields, std::string_view name) {
  const std::uint64_t number = fields.count(name);
  if (number > std::numeric_limits<std::uint32_t>::max()) fields.refuse(name, "a smaller number");
  return static_cast<std::uint32_t>(number);
}

// Its kind: the type of a key on the wire is the same for both.
std::string kind_of(Fields& fields) {
  if (!fields.has("extractable")) return shown(fields, "type", kMaxCode);
  return fields.boolean("extractable", false) ? "standard" : "root";
}

TransferredKey transferred(Fields& fields) {
  return {id_of<KeyId>(fields, "id"), shown(fields, "name", kMaxName), kind_of(fields),
          small_number(fields, "versions")};
}

LeftOutKey left_out(Fields& fields) {
  return {id_of<KeyId>(fields, "id"), shown(fields, "name", kMaxName),
          shown(fields, "code", kMaxCode), shown(fields, "reason", kMaxReason)};
}

ImportedKey imported(Fields& fields) {
  ImportedKey out{id_of<KeyId>(fields, "id"),
                  shown(fields, "name", kMaxName),
                  {},
                  shown(fields, "code", kMaxCode),
                  shown(fields, "message", kMaxReason)};
  const std::string outcome = fields.text("outcome");
  if (outcome == "imported") {
    out.outcome = ImportedKey::Outcome::Imported;
  } else if (outcome == "present") {
    out.outcome = ImportedKey::Outcome::Present;
  } else if (outcome == "refused") {
    out.outcome = ImportedKey::Outcome::Refused;
  } else {
    fields.refuse("outcome", "imported, present or refused");
  }
  return out;
}

}  // namespace

const Transfers::Outgoing* Transfers::find_outgoing(const Uuid& id) const noexcept {
  const auto found = std::ranges::find(outgoing, id, &Outgoing::id);
  return found == outgoing.end() ? nullptr : &*found;
}

const Transfers::Incoming* Transfers::find_incoming(const Uuid& id) const noexcept {
  const auto found = std::ranges::find(incoming, id, &Incoming::id);
  return found == incoming.end() ? nullptr : &*found;
}

Result<Transfers> parse_transfers(std::string_view json) {
  Document document;
  const dom::object root = KH_TRY(document.root(json));
  Fields fields(root);
  Transfers out;
  out.outgoing = list_of<Transfers::Outgoing>(fields, "outgoing", [](Fields& one) {
    return Transfers::Outgoing{id_of<Uuid>(one, "id"), id_of<InstanceId>(one, "target"),
                               one.time("expires")};
  });
  out.incoming = list_of<Transfers::Incoming>(fields, "incoming", [](Fields& one) {
    Transfers::Incoming in{id_of<Uuid>(one, "id"), id_of<InstanceId>(one, "source"),
                           one.time("expires"), std::nullopt};
    if (one.has("manifest")) in.manifest = one.digest("manifest");
    return in;
  });
  return fields.finish(std::move(out));
}

Result<ExportedChunk> parse_exported_chunk(std::string_view json) {
  Document document;
  const dom::object root = KH_TRY(document.root(json));
  Fields fields(root);
  ExportedChunk out;
  out.index = small_number(fields, "index");
  if (fields.has("chunk")) {
    out.chunk = fields.base64("chunk");
    if (out.chunk.empty()) fields.refuse("chunk", "null or base64 of a chunk");
    out.proof = {fields.digest("digest"), fields.digest("tag")};
  }
  out.keys = list_of<TransferredKey>(fields, "keys", transferred);
  if (out.keys.empty() != out.chunk.empty())
    fields.refuse("keys", "there with a chunk, and only then");
  out.left_out = list_of<LeftOutKey>(fields, "left_out", left_out);
  if (fields.has("next")) out.next = id_of<KeyId>(fields, "next");
  return fields.finish(std::move(out));
}

Result<Bytes> parse_manifest(std::string_view json) {
  Document document;
  const dom::object root = KH_TRY(document.root(json));
  Fields fields(root);
  Bytes out = fields.base64("manifest");
  if (out.empty()) fields.refuse("manifest", "base64 of a manifest");
  return fields.finish(std::move(out));
}

Result<std::vector<ImportedKey>> parse_imported_keys(std::string_view json) {
  Document document;
  const dom::object root = KH_TRY(document.root(json));
  Fields fields(root);
  auto out = list_of<ImportedKey>(fields, "keys", imported);
  return fields.finish(std::move(out));
}

}  // namespace keyhaven::client
