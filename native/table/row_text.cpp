#include "table/row_text.h"

#include <algorithm>
#include <cmath>

#include "error/error.h"
#include "table/number_text.h"
#include "threads/in_threads.h"

namespace otf {
namespace {

constexpr size_t kUsualCell = 24;
constexpr size_t kTogether = 512;  // rows a thread takes at once

struct Writer {
  std::string& out;
  const std::string& missing;
  size_t row;

  void operator()(const NumberCells& cells) const {
    const double value = cells.values[row];
    if (!std::isfinite(value)) {
      out.append(missing);
    } else if (cells.type == NumberCells::Type::kFloat) {
      const auto single = static_cast<float>(value);
      if (std::isfinite(single)) {
        appendNumber(out, single);
      } else {
        out.append(missing);
      }
    } else {
      appendNumber(out, value);
    }
  }
  void operator()(const TextCells& cells) const { out.append(cells[row]); }
};

size_t sizeOf(const Cells& cells) {
  if (const auto* numbers = std::get_if<NumberCells>(&cells); numbers != nullptr)
    return numbers->values.size();
  return std::get<TextCells>(cells).size();
}

std::string textOf(const RowForm& form, std::span<const Cells> columns, size_t first, size_t end) {
  std::string out;
  out.reserve((end - first) * (columns.size() * kUsualCell + form.end.size()));
  for (size_t row = first; row < end; ++row) {
    for (size_t c = 0; c < columns.size(); ++c) {
      out.append(form.before[c]);
      std::visit(Writer{out, form.missing, row}, columns[c]);
    }
    out.append(form.end);
  }
  return out;
}

}  // namespace

std::string rowText(const RowForm& form, std::span<const Cells> columns, int64_t count, int threads) {
  if (form.before.size() != columns.size())
    throw OtfError(Code::kInvalidArgument, "a row needs one text before each of its cells");
  if (count < 0) throw OtfError(Code::kInvalidArgument, "there are no fewer rows than none");
  const auto rows = static_cast<size_t>(count);
  for (const Cells& cells : columns)
    if (sizeOf(cells) < rows) throw OtfError(Code::kInvalidArgument, "a column is shorter than the table");
  if (threads <= 1 || rows <= kTogether) return textOf(form, columns, 0, rows);
  std::vector<std::string> parts((rows + kTogether - 1) / kTogether);
  inThreads(parts.size(), threads, [&](size_t part) {
    const size_t first = part * kTogether;
    parts[part] = textOf(form, columns, first, std::min(rows, first + kTogether));
  });
  size_t bytes = 0;
  for (const std::string& part : parts) bytes += part.size();
  std::string out;
  out.reserve(bytes);
  for (const std::string& part : parts) out.append(part);
  return out;
}

}  // namespace otf
