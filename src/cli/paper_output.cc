#include "cli/paper_output.h"

#include <CLI/CLI.hpp>
#include <ostream>

#include "base/file.h"
#include "cli/context.h"

namespace keyhaven::cli {
namespace {

constexpr std::size_t kMaxDeploymentText = 128;

}  // namespace

void add_paper_options(CLI::App& verb, PaperOutput& output) {
  verb.add_option("--format", output.format, "text or html")
      ->check(CLI::IsMember({"text", "html"}))
      ->capture_default_str();
  verb.add_option("--deployment", output.deployment,
                  "what the page says about the deployment (default: the service's address)");
}

tke::PaperFormat format_of(const PaperOutput& output) {
  return output.format == "html" ? tke::PaperFormat::Html : tke::PaperFormat::Text;
}

std::string deployment_text(Context& context, const PaperOutput& output) {
  std::string text = output.deployment;
  if (text.empty()) {
    const auto settings = context.settings();
    if (settings) text = settings->url;
  }
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return text.empty() ? "-" : text.substr(0, kMaxDeploymentText);
}

Result<void> write_page(Context& context, const std::string& file, const SecretBytes& page) {
  if (!file.empty() && file != "-") return create_file(file, page.expose(), 0600);
  context.out().write(reinterpret_cast<const char*>(page.expose().data()),
                      static_cast<std::streamsize>(page.size()));
  context.out().flush();
  return {};
}

}  // namespace keyhaven::cli
