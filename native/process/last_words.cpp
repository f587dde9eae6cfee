#include "process/last_words.h"

#include <sys/wait.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <vector>

namespace otf::process {
namespace {

constexpr size_t kMostCharacters = 300, kMostLines = 3;

std::string plain(std::string_view line) {
  std::string text;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\033') {  // ESC [ parameters letter
      while (i < line.size() && std::isalpha(static_cast<unsigned char>(line[i])) == 0) ++i;
    } else if (static_cast<unsigned char>(line[i]) >= 0x20 && line[i] != 0x7f) {
      text += line[i];
    }
  }
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

bool looksLikeError(const std::string& line) {
  std::string lower(line);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower.find("error") != std::string::npos;
}

}  // namespace

std::string describeExit(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return "was ended by signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
  }
  return "exited with code " + std::to_string(WEXITSTATUS(status));
}

std::string lastWords(std::string_view log) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < log.size();) {
    const size_t end = std::min(log.find_first_of("\r\n", at), log.size());
    if (std::string line = plain(log.substr(at, end - at)); !line.empty()) lines.push_back(std::move(line));
    at = end + 1;
  }
  if (lines.empty()) return "";
  size_t first = lines.size() - 1;
  for (size_t back = 0; back < 2 * kMostLines && back < lines.size(); ++back) {
    const size_t i = lines.size() - 1 - back;
    if (looksLikeError(lines[i])) {
      first = i;
      break;
    }
  }
  std::string words;
  for (size_t i = first; i < std::min(lines.size(), first + kMostLines); ++i)
    words += (words.empty() ? ": " : " ") + lines[i];
  if (words.size() > kMostCharacters) words = words.substr(0, kMostCharacters) + "...";
  return words;
}

}  // namespace otf::process
