#include "web/web_files.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <filesystem>

#include "base/bytes.h"
#include "base/file.h"
#include "net/header_text.h"
#include "net/url.h"
#include "web/content_tag.h"

namespace keyhaven::web {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHashLetters = 8;  // what the build puts into the names of its assets
constexpr std::string_view kIndex = "index.html";

constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kTypes = {{
    {"html", "text/html; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"webmanifest", "application/manifest+json"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"ico", "image/x-icon"},
    {"woff2", "font/woff2"},
    {"woff", "font/woff"},
    {"wasm", "application/wasm"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/plain; charset=utf-8"},
}};

constexpr std::string_view kNoFilesPage =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Keyhaven "
    "console</title>"
    "</head>\n<body><h1>The console is not installed</h1>\n<p>The server runs, but it has no files "
    "of "
    "the console. Build them from the source tree:</p>\n<pre>cmake --build --preset release "
    "--target "
    "web</pre>\n<p>and start the server again. They are looked for in share/keyhaven/web beside "
    "the "
    "program's folder, or where the setting <code>server.web_dir</code> "
    "says.</p>\n</body></html>\n";

std::string_view extension_of(std::string_view name) noexcept {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

std::string_view type_of(std::string_view name) noexcept {
  const std::string_view extension = extension_of(name);
  for (const auto& [ending, type] : kTypes) {
    if (ending == extension) return type;
  }
  return "application/octet-stream";
}

// "assets/index-DiwrgTda.js": the name changes with the content, so the content never does.
bool is_hashed(std::string_view path) noexcept {
  if (!path.starts_with("assets/")) return false;
  const std::string_view stem = path.substr(0, path.rfind('.'));
  if (stem.size() <= kHashLetters || stem[stem.size() - kHashLetters - 1] != '-') return false;
  const std::string_view hash = stem.substr(stem.size() - kHashLetters);
  return std::all_of(hash.begin(), hash.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

// Whether a list such as "gzip, br;q=0.9" takes the coding; with "q=0" it does not (RFC 9110
// section 12.5.3).
bool accepts(std::string_view list, std::string_view coding) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view item = list.substr(0, comma);
    const std::size_t semicolon = item.find(';');
    if (net::trim(item.substr(0, semicolon)) == coding) {
      const std::string_view weight = semicolon == std::string_view::npos
                                          ? std::string_view()
                                          : net::trim(item.substr(semicolon + 1));
      return !weight.starts_with("q=0") ||
             weight.find_first_of("123456789") != std::string_view::npos;
    }
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

// A doubled slash is tolerated here as everywhere (http/router.h).
std::string_view below_root(std::string_view path) noexcept {
  const auto strip = [&path] {
    while (path.starts_with('/')) path.remove_prefix(1);
  };
  strip();
  if (path.starts_with(kRoot.substr(1))) path.remove_prefix(kRoot.size() - 1);
  strip();
  return path;
}

Error too_large(const std::string& what) {
  return {Reason::TooLarge, "the console's files: " + what, "web_dir"};
}

// The regular files below a directory, as paths relative to it.
Result<std::vector<std::string>> list_files(const std::string& directory) {
  std::vector<std::string> out;
  std::error_code error;
  fs::recursive_directory_iterator entry(directory, error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    const bool hidden = entry->path().filename().string().starts_with('.');
    const fs::file_status status = entry->symlink_status(error);
    if (error) break;
    if (fs::is_directory(status)) {
      if (hidden || entry.depth() + 1 >= static_cast<int>(kMaxFolderDepth))
        entry.disable_recursion_pending();
      continue;
    }
    if (hidden || !fs::is_regular_file(status)) continue;
    if (out.size() == kMaxFiles)
      return too_large("there are more than " + std::to_string(kMaxFiles));
    out.push_back(entry->path().lexically_relative(directory).generic_string());
  }
  if (error == std::errc::no_such_file_or_directory)
    return Error{Reason::NotFound, "there is no directory " + directory, "web_dir"};
  if (error)
    return Error{Reason::Io, "cannot read " + directory + ": " + error.message(), "web_dir"};
  return out;
}

}  // namespace

Result<WebFiles> WebFiles::load(const std::string& directory) {
  WebFiles out;
  std::size_t total = 0;
  for (const std::string& path : KH_TRY(list_files(directory))) {
    const Bytes content = KH_TRY(read_file(directory + "/" + path, kMaxFileBytes));
    total += content.size();
    if (total > kMaxTotalBytes)
      return too_large("together they have more than " + std::to_string(kMaxTotalBytes) + " bytes");
    const std::string_view ending = extension_of(path);
    const bool compressed = ending == "br" || ending == "gz";
    const std::string name = compressed ? path.substr(0, path.size() - 3) : path;
    File& file = out.files_[name];
    Form& form = ending == "br" ? file.brotli : ending == "gz" ? file.gzip : file.plain;
    form.bytes = as_text(content);
    form.tag = content_tag(form.bytes);
    file.content_type = type_of(name);
    file.immutable = is_hashed(name);
  }
  // A compressed form alone answers nobody who cannot read it.
  std::erase_if(out.files_, [](const auto& entry) { return entry.second.plain.tag.empty(); });
  if (!out.files_.contains(kIndex))
    return Error{Reason::NotFound, "there is no index.html in " + directory, "web_dir"};
  return out;
}

// Whether a path that is no file is an address of the page itself.
bool WebFiles::names_page(std::string_view path) {
  std::string last;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const auto part = net::percent_decode(path.substr(0, slash));
    if (!part || part->starts_with('.')) return false;
    last = *part;
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return last.find('.') == std::string::npos;
}

std::optional<net::Response> WebFiles::respond(const Ask& ask) const {
  if (empty()) {
    net::Response response;
    response.status = 404;
    response.content_type = "text/html; charset=utf-8";
    response.headers.emplace_back("Cache-Control", "no-cache");
    add_page_headers(response);
    response.body = kNoFilesPage;
    return response;
  }
  const std::string_view path = below_root(ask.path);
  if (const auto found = files_.find(path); found != files_.end())
    return respond(found->second, ask);
  if (!names_page(path)) return std::nullopt;
  return respond(files_.find(kIndex)->second, ask);
}

net::Response WebFiles::respond(const File& file, const Ask& ask) {
  const Form* form = &file.plain;
  std::string_view coding;
  if (!file.brotli.tag.empty() && accepts(ask.accept_encoding, "br")) {
    form = &file.brotli;
    coding = "br";
  } else if (!file.gzip.tag.empty() && accepts(ask.accept_encoding, "gzip")) {
    form = &file.gzip;
    coding = "gzip";
  }
  net::Response response;
  response.content_type = file.content_type;
  response.headers.emplace_back("ETag", form->tag);
  response.headers.emplace_back(
      "Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (!coding.empty()) response.headers.emplace_back("Content-Encoding", coding);
  add_page_headers(response);
  if (net::names_tag(ask.if_none_match, form->tag)) {
    response.status = 304;
  } else {
    response.body = form->bytes;
  }
  return response;
}

void add_page_headers(net::Response& response) {
  response.headers.emplace_back("Content-Security-Policy", kContentSecurityPolicy);
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
  response.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
  response.headers.emplace_back(
      "Permissions-Policy",
      "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()");
}

net::Response environment_response(const Environment& environment) {
  net::Response response;
  response.headers.emplace_back("Cache-Control", "no-store");
  add_page_headers(response);
  boost::json::object body{{"mode", environment.local ? "local" : "server"},
                           {"version", KH_VERSION},
                           {"server", environment.server},
                           {"migrations", environment.migrations}};
  if (!environment.openid_title.empty()) body["openid"] = environment.openid_title;
  response.body = boost::json::serialize(body);
  return response;
}

}  // namespace keyhaven::web
