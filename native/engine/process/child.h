// A started otf-engine: its descriptors, its log, its end.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace otf::process {

/// Where otf-engine is: OTF_ENGINE_PROGRAM, else beside the file this code was loaded from (addon or program).
std::string enginePath();

/// One engine process. send() and receive() from one thread at a time. The destructor ends the process: it
/// closes the command line, and kills after a short while.
class Child {
 public:
  struct Spec {
    std::vector<std::string> arguments;  // without the program
    int slotsFd = -1;                    // becomes descriptor 3; -1: none
    int networkFd = -1;                  // becomes kNetworkFd; -1: none
  };
  static constexpr int kNetworkFd = 6;

  /// Throws kEngineUnavailable: the program is not there or cannot be started.
  explicit Child(const Spec& spec);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  /// One line, without its end. A process that has ended is noticed by receive().
  void send(const std::string& line);
  /// The next reply. Throws kEngineFailed when the process has ended: how, while `doing` what, and its last words.
  std::string receive(const std::string& doing);

 private:
  void keep(std::vector<std::string> arguments, int slotsFd, int networkFd, int command, int reply, int log);
  void readLog(int fd);
  void await();
  std::string obituary(const std::string& doing);

  int commandFd_ = -1, replyFd_ = -1;
  std::string replies_;  // read, but not yet a whole line
  std::mutex mutex_;     // over what the keeper shares:
  std::condition_variable changed_;
  int pid_ = -1;
  int startError_ = 0;
  bool started_ = false, ended_ = false;
  int status_ = 0;   // of waitpid, once ended_
  std::string log_;  // its last part
  std::thread keeper_;
};

}  // namespace otf::process
