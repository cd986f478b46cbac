// The console's files in memory: loaded once, then only looked up, so no request reaches the file
// system and no path can lead out of the directory.
//
// A file f may have f.br and f.gz beside it: the same content, compressed (RFC 7932, RFC 1952).
// Those are answers to Accept-Encoding, not files of their own.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http_server.h"

namespace keyhaven::web {

inline constexpr std::size_t kMaxFiles = 2000;  // compressed forms included
inline constexpr std::size_t kMaxFileBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kMaxTotalBytes = 64 * 1024 * 1024;
inline constexpr std::size_t kMaxFolderDepth = 4;
inline constexpr std::string_view kRoot = "/console";  // where the files are served

// What a browser lets the page do: nothing but its own files and calls to where it came from, and
// no text that becomes markup or script (Content Security Policy Level 3, Trusted Types).
inline constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

// What of a request decides the answer.
struct Ask {
  std::string_view path;             // raw, below kRoot or kRoot itself
  std::string_view accept_encoding;  // empty: absent
  std::string_view if_none_match;    // empty: absent
};

// Immutable once loaded; thread-safe.
class WebFiles {
 public:
  // No files: only the page that says how to get them.
  WebFiles() = default;
  // Reads `directory`, which must hold index.html. Names that begin with a dot, links and special
  // files are left out. Errors: NotFound (no directory or no index.html), TooLarge (a limit above,
  // named), Io.
  static Result<WebFiles> load(const std::string& directory);

  bool empty() const noexcept { return files_.empty(); }
  std::size_t count() const noexcept { return files_.size(); }

  // The file of the path, or 304. A path that names no file gives index.html, because the page's
  // own addresses lie there; with a dot in its last part it was meant as a file: nothing, as for a
  // part that begins with one and a broken escape. Without files: 404 and the page that says how to
  // build them.
  std::optional<net::Response> respond(const Ask& ask) const;

 private:
  struct Form {
    std::string bytes;
    std::string tag;  // quoted, of the bytes; empty: there is no such form
  };
  struct File {
    std::string_view content_type;
    bool immutable = false;
    Form plain, brotli, gzip;
  };
  static bool names_page(std::string_view path);
  static net::Response respond(const File& file, const Ask& ask);

  std::map<std::string, File, std::less<>> files_;  // by path below kRoot: "index.html"
};

// Adds what every answer to the page carries, files and environment alike.
void add_page_headers(net::Response& response);

// The document that tells the page where it runs: /console/environment.json.
struct Environment {
  bool local = false;  // served by `keyhaven console`
  std::string server;  // public address of the service
  bool migrations = false;
  std::string openid_title = {};  // of the OpenID provider to log in with; empty: none
};
net::Response environment_response(const Environment& environment);

}  // namespace keyhaven::web
