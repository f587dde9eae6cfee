#include "tensor/npy.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;
using otf::Code;
using otf::NpyArray;
using otf::NpyWriter;
using otf::OtfError;

namespace {

struct Scratch {
  fs::path dir = fs::temp_directory_path() / ("otf-npy-" + std::to_string(::getpid()));
  Scratch() { fs::create_directories(dir); }
  ~Scratch() { fs::remove_all(dir); }
  std::string file(const std::string& name, const std::string& bytes) const {
    std::ofstream(dir / name, std::ios::binary) << bytes;
    return (dir / name).string();
  }
};

std::string npy(const std::string& header, const std::string& data) {
  std::string text("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(header.size() & 0xff);
  text += static_cast<char>(header.size() >> 8);
  return text + header + data;
}

Code codeOf(const std::string& path) {
  try {
    NpyArray array(path);
  } catch (const OtfError& error) {
    return error.code();
  }
  return Code::kInternal;
}

}  // namespace

TEST_CASE("a float32 array written by numpy is read as it is") {
  const NpyArray array(OTF_FIXTURES "/networks/yolo_params.input.npy");
  CHECK(array.shape() == std::vector<int64_t>{3, 1, 1, 48, 64});
  CHECK(array.count() == 3 * 48 * 64);
}

TEST_CASE("what is written is read back, and the target appears only on commit") {
  const Scratch scratch;
  const std::string path = (scratch.dir / "out.npy").string();
  const std::vector<float> values{1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F};
  {
    NpyWriter abandoned(path, {2, 3});
    abandoned.append(values.data(), 3);
  }
  CHECK(fs::is_empty(scratch.dir));
  {
    NpyWriter writer(path, {2, 3});
    writer.append(values.data(), 2);
    writer.append(values.data() + 2, 4);
    CHECK_FALSE(fs::exists(path));
    writer.commit();
  }
  const NpyArray array(path);
  CHECK(array.shape() == std::vector<int64_t>{2, 3});
  CHECK(std::equal(values.begin(), values.end(), array.data()));
  CHECK(std::distance(fs::directory_iterator(scratch.dir), {}) == 1);
}

TEST_CASE("hostile NPY files are refused") {
  const Scratch scratch;
  const std::string four(16, '\0');
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n";
  CHECK(NpyArray(scratch.file("good", npy(good, four))).count() == 4);
  const std::string cases[] = {
      "",
      "\x93NUMPY",
      "not numpy at all, but long enough",
      npy(good, four + "x"),
      npy(good, four.substr(1)),
      npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", four),
      npy("{'descr': '>f4', 'fortran_order': False, 'shape': (4,), }", four),
      npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", four),
      npy("{'descr': '<f4', 'fortran_order': False, }", four),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 2), }", four),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", four),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4), }", four),
      npy("{'shape': (", four),
  };
  for (size_t i = 0; i < std::size(cases); ++i) {
    CAPTURE(i);
    CHECK(codeOf(scratch.file("case", cases[i])) == Code::kNpyMalformed);
  }
  CHECK(codeOf((scratch.dir / "absent").string()) == Code::kNpyMalformed);
}

TEST_CASE("an unwritable target is one error and leaves nothing") {
  const Scratch scratch;
  CHECK_THROWS_AS(NpyWriter((scratch.dir / "no" / "such.npy").string(), {1}), OtfError);
  CHECK(fs::is_empty(scratch.dir));
}
