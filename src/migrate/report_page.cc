#include "migrate/report_page.h"

#include <boost/json.hpp>

namespace keyhaven::migrate {
namespace {

namespace json = boost::json;

constexpr std::string_view kDataBegin = "<script type=\"application/json\" id=\"report\">";
constexpr std::string_view kDataEnd = "</script>";

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Migration report</title>
<style>
:root { color-scheme: light; --ink: #161616; --soft: #525252; --line: #c6c6c6; --field: #f4f4f4; }
body { font: 14px/1.45 "IBM Plex Sans", system-ui, sans-serif; color: var(--ink); margin: 0 auto;
  max-width: 75rem; padding: 2rem; background: #fff; }
h1 { font-size: 1.75rem; font-weight: 400; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; font-weight: 600; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; max-width: 60rem; }
.soft { color: var(--soft); }
.verdict { border-left: 6px solid; padding: .75rem 1rem; margin: 1.25rem 0; background: var(--field); }
.verdict strong { display: block; font-size: 1.1rem; }
.verified { border-color: #198038; }
.incomplete { border-color: #b28600; }
ul { margin: .25rem 0; padding-left: 1.25rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; }
thead th { background: var(--field); font-weight: 600; }
tbody th { font-weight: 600; width: 14rem; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
code, .id { font-family: "IBM Plex Mono", ui-monospace, monospace; font-size: .85em; }
.tag { display: inline-block; padding: 0 .5rem; border: 1px solid; border-radius: 1rem; white-space: nowrap; }
.tag.carried { color: #0e6027; } .tag.reported { color: var(--soft); }
.tag.blocked, .tag.failed, .tag.not { color: #a2191f; }
.scroll { overflow-x: auto; }
@media print { body { padding: 0; max-width: none; font-size: 10px; } h2 { break-after: avoid; }
  tr { break-inside: avoid; } thead { display: table-header-group; } }
@page { size: A4 landscape; margin: 12mm; }
</style>
</head>
<body>
)";

void add_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
    }
  }
}

std::string escaped(std::string_view text) {
  std::string out;
  add_escaped(out, text);
  return out;
}

const json::value& member(const json::value& value, std::string_view name) {
  static const json::value kNone;
  const json::object* object = value.if_object();
  const json::value* found = object == nullptr ? nullptr : object->if_contains(name);
  return found == nullptr ? kNone : *found;
}

std::string text_of(const json::value& value) {
  if (value.is_null()) return {};
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}
std::string text(const json::value& value, std::string_view name) {
  return text_of(member(value, name));
}

std::vector<std::string> list(const json::value& value, std::string_view name) {
  std::vector<std::string> out;
  if (const json::array* array = member(value, name).if_array()) {
    for (const json::value& each : *array) out.push_back(text_of(each));
  }
  return out;
}

// "deks_not_sampled" reads better as "deks not sampled".
std::string words(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c == '_' ? ' ' : c;
  return out;
}

class Page {
 public:
  explicit Page(const Report& report)
      : report_(report), document_(json::parse(report.document)), out_(kHead) {}

  std::string build() {
    heading();
    verdict();
    parties();
    counts("Keys", "totals", "What the plan holds and how far it is carried out.");
    counts("Proof", "verify",
           "The last run of keyhaven migrate verify. Each DEK was unwrapped by both services and "
           "compared in locked memory; standard keys by a keyed digest; metadata field by field.");
    counts("DEKs wrapped anew", "rewrap", "The last run of keyhaven migrate rewrap.");
    counts("Cutover", "cutover", "The last run of keyhaven migrate cutover.");
    keys();
    bullets("Not carried, of the instance", list(document_, "lost"));
    bullets("Named, but no key of the source", list(document_, "unknown_keys"));
    evidence();
    data();
    out_ += "</body>\n</html>\n";
    return std::move(out_);
  }

 private:
  void raw(std::string_view text) { out_ += text; }
  void safe(std::string_view text) { add_escaped(out_, text); }
  void row(std::string_view name, std::string_view value, bool is_id = false) {
    if (value.empty()) return;
    raw("<tr><th scope=\"row\">");
    safe(name);
    raw(is_id ? "</th><td class=\"id\">" : "</th><td>");
    safe(value);
    raw("</td></tr>\n");
  }

  void heading() {
    raw("<h1>Migration report</h1>\n<p class=\"soft\">Made ");
    safe(text(document_, "made"));
    raw(" by ");
    safe(text(document_, "made_by"));
    raw(" with ");
    safe(text(member(document_, "tool"), "name") + " " +
         text(member(document_, "tool"), "version"));
    raw("</p>\n");
  }

  void verdict() {
    const bool verified = text(document_, "result") == "verified";
    raw(verified ? "<div class=\"verdict verified\"><strong>Verified</strong>"
                 : "<div class=\"verdict incomplete\"><strong>Incomplete</strong>");
    if (verified) {
      raw("Every planned key is carried, and every wrapped DEK that the plan counts opens to the "
          "same bytes in both services.");
    }
    items(list(document_, "why"));
    raw("</div>\n");
  }

  void items(const std::vector<std::string>& texts) {
    if (texts.empty()) return;
    raw("<ul>");
    for (const std::string& each : texts) {
      raw("<li>");
      safe(each);
      raw("</li>");
    }
    raw("</ul>");
  }

  void bullets(std::string_view title, const std::vector<std::string>& texts) {
    if (texts.empty()) return;
    raw("<h2>" + escaped(title) + "</h2>\n");
    items(texts);
  }

  void parties() {
    raw("<h2>From, to</h2>\n<div class=\"scroll\"><table><thead><tr><th></th><th>Address</th>"
        "<th>Instance</th></tr></thead><tbody>\n");
    for (const char* side : {"source", "target"}) {
      raw("<tr><th scope=\"row\">");
      raw(std::string(side) == "source" ? "Source" : "Target");
      raw("</th><td>");
      safe(text(member(document_, side), "url"));
      raw("</td><td class=\"id\">");
      safe(text(member(document_, side), "instance"));
      raw("</td></tr>\n");
    }
    raw("</tbody></table></div>\n");
  }

  void counts(std::string_view title, std::string_view name, std::string_view meaning) {
    const json::object* found = member(document_, name).if_object();
    if (found == nullptr) return;
    raw("<h2>" + escaped(title) + "</h2>\n<p class=\"soft\">" + escaped(meaning) +
        "</p>\n<table><tbody>\n");
    for (const auto& [key, value] : *found) row(words(key), text_of(value));
    raw("</tbody></table>\n");
  }

  void keys() {
    const json::array* all = member(document_, "keys").if_array();
    if (all == nullptr || all->empty()) return;
    raw("<h2>Each key</h2>\n<div class=\"scroll\"><table><thead><tr><th>Key</th><th>Kind</th>"
        "<th>How</th><th>State</th><th>In the target</th><th>Versions</th><th>Wrapped DEKs</th>"
        "<th>Remarks</th></tr></thead><tbody>\n");
    for (const json::value& key : *all) key_row(key);
    raw("</tbody></table></div>\n");
  }

  void key_row(const json::value& key) {
    const std::string state = text(key, "state");
    raw("<tr><td>" + escaped(text(key, "name")) + "<br><span class=\"id\">" +
        escaped(text(key, "source")) + "</span></td><td>" + escaped(text(key, "kind")) +
        "</td><td>" + escaped(text(key, "action")) + "</td><td><span class=\"tag " +
        escaped(state.substr(0, state.find(' '))) + "\">" + escaped(state) +
        "</span></td><td class=\"id\">" + escaped(text(key, "target")) +
        "</td><td class=\"number\">" + escaped(text(key, "versions")) +
        "</td><td class=\"number\">" + escaped(text(key, "wrapped_deks")) + "</td><td>");
    for (const char* name : {"verified", "failed", "blocked"}) {
      if (const std::string remark = text(key, name); !remark.empty())
        raw("<p><strong>" + std::string(name) + ":</strong> " + escaped(remark) + "</p>");
    }
    if (const std::string other = text(key, "deks_wrapped_under"); !other.empty())
      raw("<p>DEKs are wrapped under <span class=\"id\">" + escaped(other) + "</span></p>");
    const auto lost = list(key, "lost");
    if (!lost.empty()) raw("<p><strong>not carried:</strong></p>");
    items(lost);
    raw("</td></tr>\n");
  }

  void evidence() {
    raw("<h2>How to check this report</h2>\n");
    raw("<p>Save this file and run <code>keyhaven migrate report --check FILE --audit-key "
        "KEY</code>, "
        "where KEY is the public key of the target's audit log, kept from its installation. The "
        "command checks that this page shows exactly the data inside it, that the target's audit "
        "log "
        "recorded the data's hash, and that the checkpoint over that record is signed.</p>\n");
    raw("<table><tbody>\n");
    row("Plan", text(member(document_, "plan"), "id"), true);
    row("Plan file, SHA-256", text(member(document_, "plan"), "sha256"), true);
    row("Journal, SHA-256", text(member(document_, "journal"), "sha256"), true);
    row("This report, SHA-256", digest_of_report(report_.document), true);
    if (report_.receipt) {
      row("Audit record", report_.receipt->record, true);
      row("Signed checkpoint", report_.receipt->checkpoint, true);
      row("Audit key (as the target says)", report_.receipt->public_key, true);
    }
    raw("</tbody></table>\n");
    if (!report_.receipt) {
      raw("<p>The target has not recorded this report: it was not asked to, or it is a service "
          "without that call.</p>\n");
    }
  }

  // No "<" in it can end the element.
  void data() {
    raw(kDataBegin);
    for (const char c : to_json(report_)) {
      if (c == '<') {
        raw("\\u003c");
      } else {
        out_ += c;
      }
    }
    raw(kDataEnd);
    raw("\n");
  }

  const Report& report_;
  const json::value document_;
  std::string out_;
};

}  // namespace

std::string to_page(const Report& report) { return Page(report).build(); }

Result<Report> report_from_page(std::string_view page) {
  const std::size_t begin = page.rfind(kDataBegin);
  const std::size_t end = begin == std::string_view::npos ? begin : page.find(kDataEnd, begin);
  if (end == std::string_view::npos)
    return Error{Reason::InvalidArgument, "this page carries no migration report", {}};
  return report_from_json(page.substr(begin + kDataBegin.size(), end - begin - kDataBegin.size()));
}

}  // namespace keyhaven::migrate
