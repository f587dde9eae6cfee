#include "process/wire.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>
#include <vector>

namespace otf::process {
namespace {

/// Room for one descriptor beside a message (cmsg(3)).
union OneDescriptor {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
};

msghdr messageOf(iovec& part, OneDescriptor& beside) {
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = beside.bytes;
  message.msg_controllen = sizeof beside.bytes;
  return message;
}

}  // namespace

std::string expect(const std::string& line, const std::string& word) {
  if (line.starts_with(word + " ")) return line.substr(word.size() + 1);
  if (line == word) return "";
  if (line.starts_with("error ")) {
    const std::string rest = line.substr(6);
    const std::string name = rest.substr(0, rest.find(' '));
    for (const Code code : allCodes()) {
      if (codeName(code) == name) throw OtfError(code, rest.substr(std::min(rest.size(), name.size() + 1)));
    }
  }
  throw OtfError(Code::kInternal, "a process of ours answered: " + line.substr(0, 200));
}

ssize_t sendWith(int socket, const void* bytes, size_t count, int fd) {
  if (fd < 0) return ::send(socket, bytes, count, MSG_NOSIGNAL);
  iovec part{const_cast<void*>(bytes), count};
  OneDescriptor beside{};
  msghdr message = messageOf(part, beside);
  cmsghdr* control = CMSG_FIRSTHDR(&message);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(control), &fd, sizeof fd);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL);
}

void keepDescriptors(std::initializer_list<int> kept) {
  std::vector<int> sorted(kept);
  std::sort(sorted.begin(), sorted.end());
  unsigned int from = STDERR_FILENO + 1;
  for (const int fd : sorted) {
    const auto number = static_cast<unsigned int>(fd);
    if (number > from) ::close_range(from, number - 1, 0);
    from = std::max(from, number + 1);
  }
  ::close_range(from, UINT_MAX, 0);
}

Lines::~Lines() {
  if (fd_ >= 0) ::close(fd_);
}

int Lines::takeDescriptor() { return std::exchange(fd_, -1); }

ssize_t Lines::receive(char* buffer, size_t bytes) {
  iovec part{buffer, bytes};
  OneDescriptor beside{};
  msghdr message = messageOf(part, beside);
  const ssize_t got = ::recvmsg(kCommandFd, &message, MSG_CMSG_CLOEXEC);
  if (got <= 0) return got;
  const cmsghdr* control = CMSG_FIRSTHDR(&message);
  if (control != nullptr && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS) {
    if (fd_ >= 0) ::close(fd_);
    std::memcpy(&fd_, CMSG_DATA(control), sizeof fd_);
  }
  return got;
}

bool Lines::next(std::string& line) {
  while (true) {
    if (const size_t end = pending_.find('\n'); end != std::string::npos) {
      line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return true;
    }
    char buffer[4096];
    const ssize_t got = receive(buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    pending_.append(buffer, static_cast<size_t>(got));
  }
}

void reply(const std::string& line) {
  const std::string whole = line + "\n";
  for (size_t sent = 0; sent < whole.size();) {
    const ssize_t got = ::write(kReplyFd, whole.data() + sent, whole.size() - sent);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) ::_exit(1);
    sent += static_cast<size_t>(got);
  }
}

void replyError(Code code, const std::string& message) {
  std::string line(message);
  std::replace_if(line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  reply("error " + std::string(codeName(code)) + " " + line);
}

}  // namespace otf::process
