#include "process/last_words.h"

#include <sys/wait.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <vector>

namespace otf::process {
namespace {

constexpr size_t kMostCharacters = 300, kMostLines = 3, kLineCharacters = 240;

/// Without sequences for terminals and control characters: C0, DEL, and C1 as UTF-8 has them (C2 80 to C2 9F).
std::string plain(std::string_view line) {
  std::string text;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\033') {  // ESC [ parameters letter
      while (i < line.size() && std::isalpha(static_cast<unsigned char>(line[i])) == 0) ++i;
    } else if (line[i] == '\xc2' && i + 1 < line.size() && static_cast<unsigned char>(line[i + 1]) < 0xa0) {
      ++i;
    } else if (static_cast<unsigned char>(line[i]) >= 0x20 && line[i] != 0x7f) {
      text += line[i];
    }
  }
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// At most so many bytes, whole characters of UTF-8.
std::string cut(std::string text, size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  text.resize(most);
  return text;
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
    const char* name = ::sigabbrev_np(signal);  // none for real-time signals
    const std::string known =
        name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
    return "was ended by " + known + " (" + ::strsignal(signal) + ")";
  }
  return "exited with code " + std::to_string(WEXITSTATUS(status));
}

std::vector<std::string> lastLines(std::string_view log, size_t most) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < log.size();) {
    const size_t end = std::min(log.find_first_of("\r\n", at), log.size());
    if (std::string line = cut(plain(log.substr(at, end - at)), kLineCharacters); !line.empty())
      lines.push_back(std::move(line));
    at = end + 1;
  }
  if (lines.size() > most) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most));
  return lines;
}

std::string lastWords(std::string_view log) {
  const std::vector<std::string> lines = lastLines(log, 2 * kMostLines);
  if (lines.empty()) return "";
  size_t first = lines.size() - 1;
  for (size_t back = 0; back < lines.size(); ++back) {
    const size_t i = lines.size() - 1 - back;
    if (looksLikeError(lines[i])) {
      first = i;
      break;
    }
  }
  std::string words;
  for (size_t i = first; i < std::min(lines.size(), first + kMostLines); ++i)
    words += (words.empty() ? ": " : " ") + lines[i];
  return words.size() > kMostCharacters ? cut(words, kMostCharacters) + "..." : words;
}

}  // namespace otf::process
