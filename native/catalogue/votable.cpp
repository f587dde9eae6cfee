// VOTable 1.1 to 1.5, TABLEDATA and BINARY2: the first table of the file. Expat reads the XML; a document type, with which
// entities come, is refused.
#include <expat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <tuple>
#include <utility>

#include "catalogue/binary_rows.h"
#include "catalogue/input.h"
#include "catalogue/votable_cells.h"
#include "error/error.h"

namespace otf::catalogue {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;
constexpr size_t kMostCellBytes = size_t{1} << 20;
constexpr int kMostDepth = 64;

/// By the wider of the two functions where Expat has it, which then calls the other deprecated.
template <typename Parser>
auto lineOf(Parser parser) {
  if constexpr (requires { XML_GetCurrentLineNumber64(parser); })
    return XML_GetCurrentLineNumber64(parser);
  else
    return XML_GetCurrentLineNumber(parser);
}

/// One file; the callbacks below are its methods.
class VotableReader {
 public:
  VotableReader(const Input& input, const ColumnFilter& wanted, const CatalogueLimits& limits)
      : input_(input), wanted_(wanted), limits_(limits), base64_(input) {
    table_.label = input.label();
    table_.format = "VOTable";
  }

  Catalogue read() {
    const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(
        XML_ParserCreateNS(nullptr, ' '), XML_ParserFree);
    if (!parser) throw std::bad_alloc();
    parser_ = parser.get();
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(
        parser_,
        [](void* self, const XML_Char* name, const XML_Char** attributes) {
          as(self).guarded([&] { as(self).begin(name, attributes); });
        },
        [](void* self, const XML_Char* name) { as(self).guarded([&] { as(self).end(name); }); });
    XML_SetCharacterDataHandler(parser_, [](void* self, const XML_Char* text, int length) {
      as(self).guarded([&] { as(self).text({text, static_cast<size_t>(length)}); });
    });
    XML_SetStartDoctypeDeclHandler(
        parser_, [](void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
          as(self).guarded([&] { as(self).input_.fail("it has a document type, which a VOTable has not"); });
        });
    std::string piece(kPieceBytes, '\0');
    for (uint64_t offset = 0; !done_;) {
      const size_t got = input_.read(offset, piece);
      offset += got;
      const XML_Status status = XML_Parse(parser_, piece.data(), static_cast<int>(got), got == 0);
      if (failure_) std::rethrow_exception(failure_);
      if (done_ || got == 0) {
        if (!done_) failParse(status);
        break;
      }
      if (status == XML_STATUS_ERROR) failParse(status);
    }
    return std::move(table_);
  }

 private:
  static VotableReader& as(void* self) { return *static_cast<VotableReader*>(self); }

  /// Nothing may be thrown through Expat's own frames.
  template <typename Step>
  void guarded(Step step) noexcept {
    if (failure_ || done_) return;
    try {
      step();
    } catch (...) {
      failure_ = std::current_exception();
      XML_StopParser(parser_, XML_FALSE);
    }
  }

  [[noreturn]] void failParse(XML_Status status) const {
    if (status != XML_STATUS_ERROR) input_.fail("it has no table");
    input_.fail("line " + std::to_string(lineOf(parser_)) + ": " +
                XML_ErrorString(XML_GetErrorCode(parser_)));
  }

  static std::string attribute(const XML_Char** attributes, std::string_view name) {
    for (; *attributes; attributes += 2) {
      if (attributes[0] == name) return attributes[1];
    }
    return {};
  }

  void begin(std::string_view full, const XML_Char** attributes) {
    const std::string_view name = localName(full);
    if (++depth_ > kMostDepth) input_.fail("its elements are nested too deep");
    if (name == "TABLE") inTable_ = true;
    if (name == "TIMESYS") addTimeSystem(attributes);
    if (!inTable_) return;
    if (name == "FIELD") addField(attributes);
    if (name == "VALUES" && inField_) fields_.back().takeNull(attribute(attributes, "null"));
    if (name == "DESCRIPTION" || name == "TD" || name == "STREAM") {
      collecting_ = true;
      cell_.clear();
    }
    if (name == "BINARY2") binary_ = true;
    if (name == "BINARY" || name == "FITS" ||
        (name == "STREAM" && attribute(attributes, "encoding") != "base64"))
      input_.fail("its rows are serialised as " + std::string(name) +
                  "; TABLEDATA and BINARY2 in base64 are read");
    if (name == "TR") at_ = 0;
    inField_ = inField_ || name == "FIELD";
  }

  void addTimeSystem(const XML_Char** attributes) {
    if (timeSystems_.size() == static_cast<size_t>(limits_.maxColumns))
      input_.fail("it has more than " + std::to_string(limits_.maxColumns) + " time systems");
    timeSystems_[attribute(attributes, "ID")] = {attribute(attributes, "timeorigin"),
                                                 attribute(attributes, "timescale")};
  }

  void addField(const XML_Char** attributes) {
    if (fields_.size() == static_cast<size_t>(limits_.maxColumns))
      input_.fail("it has more than " + std::to_string(limits_.maxColumns) + " columns");
    Field field;
    field.type = cellType(attribute(attributes, "datatype"), attribute(attributes, "arraysize"), input_);
    field.isText = field.type.isText();
    std::string name = attribute(attributes, "name");
    if (name.empty()) name = attribute(attributes, "ID");
    field.wanted = field.type.isScalar() && wanted_(fields_.size(), name);
    if (field.wanted) {
      field.column = table_.columns.size();
      CatalogueColumn column;
      column.name = name;
      column.unit = attribute(attributes, "unit");
      column.ucd = attribute(attributes, "ucd");
      column.isText = field.isText;
      const auto time = timeSystems_.find(attribute(attributes, "ref"));
      if (time != timeSystems_.end()) std::tie(column.timeOrigin, column.timeScale) = time->second;
      table_.columns.push_back(std::move(column));
    }
    fields_.push_back(field);
  }

  void end(std::string_view full) {
    const std::string_view name = localName(full);
    --depth_;
    if (!inTable_) return;
    if (name == "DESCRIPTION") {
      if (inField_ && !fields_.empty() && fields_.back().wanted) table_.columns.back().description = cell_;
      collecting_ = false;
    } else if (name == "FIELD") {
      inField_ = false;
    } else if (name == "TD") {
      endCell();
    } else if (name == "TR") {
      endRow();
    } else if (name == "STREAM") {
      if (!bytes_.empty()) input_.fail("its stream ends inside a row");
      collecting_ = false;
    } else if (name == "TABLE") {
      done_ = true;
      XML_StopParser(parser_, XML_FALSE);
    }
  }

  void text(std::string_view piece) {
    if (!collecting_) return;
    if (binary_) {
      base64_.add(piece, bytes_);
      takeRows();
      return;
    }
    if (cell_.size() + piece.size() > kMostCellBytes) input_.fail("a cell of it is too long");
    cell_.append(piece);
  }

  void endCell() {
    collecting_ = false;
    if (at_ == fields_.size()) input_.fail("row " + std::to_string(table_.rows + 1) + " has too many cells");
    const Field& field = fields_[at_++];
    if (!field.wanted) return;
    CatalogueColumn& column = table_.columns[field.column];
    if (field.isText) {
      column.texts.push_back(cell_);
      return;
    }
    const std::string_view number = trimmedCell(cell_);
    if (addNumber(field, number, column)) return;
    constexpr size_t kShown = 32;
    input_.fail("row " + std::to_string(table_.rows + 1) + ", column " + column.name + ": '" +
                std::string(number.substr(0, kShown)) + "' is no number");
  }

  void endRow() {
    if (at_ != fields_.size()) input_.fail("row " + std::to_string(table_.rows + 1) + " has too few cells");
    countRow();
  }

  void countRow() {
    if (table_.rows == limits_.maxRows)
      input_.fail("it has more than " + std::to_string(limits_.maxRows) + " rows");
    ++table_.rows;
  }

  /// Whole rows of what has been decoded so far (VOTable 1.4, section 5.4).
  void takeRows() {
    size_t from = 0;
    while (const size_t length = rowBytes(from)) {
      takeRow(from);
      from += length;
    }
    bytes_.erase(0, from);
  }

  const unsigned char* decoded(size_t at) const {
    return reinterpret_cast<const unsigned char*>(bytes_.data()) + at;
  }

  /// 0: not all of the row is there yet.
  size_t rowBytes(size_t from) const {
    if (fields_.empty()) return 0;
    size_t at = from + (fields_.size() + 7) / 8;
    for (const Field& field : fields_) {
      int64_t count = field.type.count;
      if (count < 0) {
        if (at + 4 > bytes_.size()) return 0;
        count = static_cast<int64_t>(cellNumber(CellType::Kind::kInt, decoded(at)));
        if (count < 0 || count > static_cast<int64_t>(kMostCellBytes))
          input_.fail("a cell of its stream is too long");
        at += 4;
      }
      at += static_cast<size_t>(field.type.bytes(count));
    }
    return at <= bytes_.size() ? at - from : 0;
  }

  void takeRow(size_t from) {
    size_t at = from + (fields_.size() + 7) / 8;
    for (size_t i = 0; i < fields_.size(); ++i) {
      const Field& field = fields_[i];
      int64_t count = field.type.count;
      if (count < 0) {
        count = static_cast<int64_t>(cellNumber(CellType::Kind::kInt, decoded(at)));
        at += 4;
      }
      const auto length = static_cast<size_t>(field.type.bytes(count));
      if (field.wanted) {
        const bool missing = (*decoded(from + i / 8) >> (7 - i % 8) & 1) != 0;
        CatalogueColumn& column = table_.columns[field.column];
        if (field.isText) {
          column.texts.push_back(missing ? "" : cellText(field.type.kind, {decoded(at), length}));
        } else {
          addNumber(field, missing ? nullptr : decoded(at), column);
        }
      }
      at += length;
    }
    countRow();
  }

  const Input& input_;
  const ColumnFilter& wanted_;
  const CatalogueLimits& limits_;
  XML_Parser parser_ = nullptr;
  std::exception_ptr failure_;
  Catalogue table_;
  std::vector<Field> fields_;
  std::map<std::string, std::pair<std::string, std::string>> timeSystems_;  // by ID: origin and scale
  std::string cell_, bytes_;
  Base64 base64_;
  size_t at_ = 0;
  int depth_ = 0;
  bool inTable_ = false, inField_ = false, collecting_ = false, binary_ = false, done_ = false;
};

}  // namespace

Catalogue readVotable(const Input& input, const ColumnFilter& wanted, const CatalogueLimits& limits) {
  return VotableReader(input, wanted, limits).read();
}

}  // namespace otf::catalogue
