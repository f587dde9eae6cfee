// Lines between a parent and a program of ours: the descriptors they go over, and both ends' ways with them.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <initializer_list>
#include <string>

#include "error/error.h"

namespace otf::process {

/// In the child. 3 is shared memory in every program; standard output and error are the log.
constexpr int kSharedFd = 3, kCommandFd = 4, kReplyFd = 5;

/// Text of a reply behind "word "; throws the error that an `error OTF_CODE message` line carries.
std::string expect(const std::string& line, const std::string& word);

/// ::send without SIGPIPE; `fd`, when it is one, goes along (SCM_RIGHTS).
ssize_t sendWith(int socket, const void* bytes, size_t count, int fd);

// In the child:

/// Closes every descriptor but 0-2 and those listed, before anything else is opened: a parent that is no
/// program of ours (Node) hands down whatever lacks close-on-exec.
void keepDescriptors(std::initializer_list<int> kept);

/// Lines from the command descriptor.
class Lines {
 public:
  Lines() = default;
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;
  ~Lines();
  /// False at the end.
  bool next(std::string& line);
  /// The descriptor that came with the lines read so far and was not taken yet; -1: none. The caller's to
  /// close.
  int takeDescriptor();

 private:
  ssize_t receive(char* buffer, size_t bytes);
  std::string pending_;
  int fd_ = -1;
};

/// Writes whole lines to the reply descriptor. A parent that has gone ends the process.
void reply(const std::string& line);
void replyError(Code code, const std::string& message);

}  // namespace otf::process
