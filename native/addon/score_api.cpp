// Tables of others, and catalogues against each other.
#include <algorithm>

#include "addon/api.h"
#include "addon/async.h"
#include "addon/object.h"
#include "catalogue/catalogue.h"
#include "catalogue/units.h"
#include "error/error.h"
#include "score/plain.h"
#include "score/sdc1.h"
#include "score/sky_match.h"
#include "task/pipeline.h"

namespace otf::addon {
namespace {

using score::Fraction;
using score::Spread;

Napi::Object toJs(Napi::Env env, const Fraction& fraction) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("part", static_cast<double>(fraction.part));
  out.Set("whole", static_cast<double>(fraction.whole));
  out.Set("value", fraction.value);
  out.Set("low", fraction.low);
  out.Set("high", fraction.high);
  return out;
}

Napi::Object toJs(Napi::Env env, const Spread& spread) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("count", static_cast<double>(spread.count));
  out.Set("median", spread.median);
  out.Set("deviation", spread.deviation);
  return out;
}

Napi::Object toJs(Napi::Env env, const score::PlainBin& bin) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("fluxLow", bin.fluxLow);
  out.Set("fluxHigh", bin.fluxHigh);
  out.Set("completeness", toJs(env, bin.completeness));
  out.Set("purity", toJs(env, bin.purity));
  out.Set("ra", toJs(env, bin.ra));
  out.Set("dec", toJs(env, bin.dec));
  out.Set("separation", toJs(env, bin.separation));
  out.Set("fluxRatio", toJs(env, bin.fluxRatio));
  out.Set("raPull", toJs(env, bin.raPull));
  out.Set("decPull", toJs(env, bin.decPull));
  out.Set("fluxPull", toJs(env, bin.fluxPull));
  return out;
}

Napi::Object toJs(Napi::Env env, const score::Sdc1Counts& counts) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("read", static_cast<double>(counts.read));
  out.Set("unread", static_cast<double>(counts.unread));
  out.Set("kept", static_cast<double>(counts.kept));
  return out;
}

template <typename Row, typename Get>
Napi::Float64Array column(Napi::Env env, const std::vector<Row>& rows, Get get) {
  Napi::Float64Array out = Napi::Float64Array::New(env, rows.size());
  for (size_t i = 0; i < rows.size(); ++i) out[i] = get(rows[i]);
  return out;
}

score::Sdc1Frequency frequencyOf(int megahertz) {
  if (megahertz == 560) return score::Sdc1Frequency::k560;
  if (megahertz == 1400) return score::Sdc1Frequency::k1400;
  if (megahertz == 9200) return score::Sdc1Frequency::k9200;
  throw OtfError(Code::kInvalidArgument, "the challenge has no " + std::to_string(megahertz) + " MHz");
}

struct Sdc1Outcome {
  score::Sdc1Result result;
  std::vector<std::string> filledSubmission, filledTruth;
};

Napi::Object toJs(Napi::Env env, const Sdc1Outcome& outcome) {
  const score::Sdc1Result& result = outcome.result;
  Napi::Object out = Napi::Object::New(env);
  out.Set("submission", toJs(env, result.submission));
  out.Set("truth", toJs(env, result.truth));
  out.Set("filledSubmission", strings(env, outcome.filledSubmission));
  out.Set("filledTruth", strings(env, outcome.filledTruth));
  out.Set("detections", static_cast<double>(result.detections));
  out.Set("matches", static_cast<double>(result.matches));
  out.Set("bad", static_cast<double>(result.bad));
  out.Set("falses", static_cast<double>(result.falses));
  out.Set("scoreDetections", result.scoreDetections);
  out.Set("score", result.score);
  out.Set("accuracyPercent", result.accuracyPercent);
  out.Set("names", strings(env, {score::kSdc1Scores.begin(), score::kSdc1Scores.end()}));
  out.Set("meanScores", doubles(env, result.meanScores));
  out.Set("id", column(env, result.rows, [](const score::Sdc1Match& row) { return row.id; }));
  out.Set("idTruth", column(env, result.rows, [](const score::Sdc1Match& row) { return row.idTruth; }));
  const auto digits = [&](const char* name, std::string score::Sdc1Match::* member) {
    std::vector<std::string> texts;
    for (const score::Sdc1Match& row : result.rows) texts.push_back(row.*member);
    if (std::ranges::any_of(texts, [](const std::string& text) { return !text.empty(); }))
      out.Set(name, strings(env, texts));
  };
  digits("idDigits", &score::Sdc1Match::idDigits);
  digits("idTruthDigits", &score::Sdc1Match::idTruthDigits);
  out.Set("error", column(env, result.rows, [](const score::Sdc1Match& row) { return row.error; }));
  Napi::Array scores = Napi::Array::New(env);
  for (size_t k = 0; k < score::kSdc1Scores.size(); ++k) {
    scores.Set(static_cast<uint32_t>(k),
               column(env, result.rows, [k](const score::Sdc1Match& row) { return row.scores[k]; }));
  }
  out.Set("scores", scores);
  return out;
}

score::PlainColumns readColumns(const Fields& fields) {
  return {fields.text("flux"), fields.text("rank"), fields.text("ra"), fields.text("dec")};
}

}  // namespace

Napi::Value scoreSdc1(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  score::Sdc1Options options;
  options.frequency = frequencyOf(fields.count("mhz"));
  options.train = fields.flag("train");
  options.centroids = fields.flag("centroids");
  options.threads = threadCount(fields.count("threads"));
  return runAsync<Sdc1Outcome>(
      info.Env(),
      [options, submitted = fields.text("submission"), true_ = fields.text("truth")] {
        score::Sdc1Catalogue submission = score::readSdc1(submitted), truth = score::readSdc1(true_);
        Sdc1Outcome outcome{{}, submission.filled, truth.filled};
        outcome.result = score::scoreSdc1(std::move(submission), std::move(truth), options);
        return outcome;
      },
      [](Napi::Env env, const Sdc1Outcome& outcome) { return toJs(env, outcome); });
}

Napi::Value scorePlain(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  score::PlainOptions options;
  options.radiusArcsec = fields.number("radiusArcsec");
  options.minSnr = fields.number("minSnr");
  options.bins = fields.count("bins");
  options.thresholds = fields.count("thresholds");
  options.threads = threadCount(fields.count("threads"));
  const score::PlainColumns found = readColumns(fields.object("submissionColumns"));
  const score::PlainColumns real = readColumns(fields.object("truthColumns"));
  return runAsync<score::PlainResult>(
      info.Env(),
      [=, submitted = fields.text("submission"), true_ = fields.text("truth")] {
        return score::scorePlain(score::readPlain(submitted, found), score::readPlain(true_, real), options);
      },
      [](Napi::Env env, const score::PlainResult& result) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("detections", static_cast<double>(result.detections));
        out.Set("truths", static_cast<double>(result.truths));
        out.Set("counted", static_cast<double>(result.counted));
        out.Set("matches", static_cast<double>(result.matches));
        out.Set("fluxUnit", result.fluxUnit);
        out.Set("warnings", strings(env, result.warnings));
        out.Set("all", toJs(env, result.all));
        Napi::Array bins = Napi::Array::New(env), thresholds = Napi::Array::New(env);
        for (const score::PlainBin& bin : result.bins) bins.Set(bins.Length(), toJs(env, bin));
        for (const score::PlainThreshold& each : result.thresholds) {
          Napi::Object one = Napi::Object::New(env);
          one.Set("rank", each.rank);
          one.Set("detections", static_cast<double>(each.detections));
          one.Set("completeness", toJs(env, each.completeness));
          one.Set("purity", toJs(env, each.purity));
          thresholds.Set(thresholds.Length(), one);
        }
        out.Set("bins", bins);
        out.Set("thresholds", thresholds);
        return out;
      });
}

Napi::Value readTable(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  CatalogueLimits limits;
  limits.maxRows = fields.integer("maxRows");
  return runAsync<Catalogue>(
      info.Env(),
      [limits, path = fields.text("path"), label = fields.text("label")] {
        return readCatalogue(path, {}, limits, label);
      },
      [](Napi::Env env, const Catalogue& table) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("rows", static_cast<double>(table.rows));
        out.Set("format", table.format);
        Napi::Array columns = Napi::Array::New(env);
        for (const CatalogueColumn& each : table.columns) {
          Napi::Object one = Napi::Object::New(env);
          one.Set("name", each.name);
          one.Set("unit", each.unit);
          one.Set("ucd", each.ucd);
          one.Set("description", each.description);
          if (each.isText) {
            one.Set("texts", strings(env, each.texts));
          } else {
            one.Set("numbers", doubles(env, each.numbers));
            if (!each.digits.empty()) one.Set("digits", strings(env, each.digits));
            if (const auto degrees = each.unit.empty() ? std::optional(1.0) : unitFactor(each.unit, "deg"))
              one.Set("degrees", *degrees);
          }
          columns.Set(columns.Length(), one);
        }
        out.Set("columns", columns);
        return out;
      });
}

Napi::Value matchSky(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  struct Side {
    std::vector<double> ra, dec;
    score::SkyPoints view() const { return {ra, dec}; }
  };
  const auto side = [&](const char* name) {
    const Fields given = fields.object(name);
    return Side{given.numbers("raDeg"), given.numbers("decDeg")};
  };
  const int threads = threadCount(fields.count("threads"));
  constexpr int64_t kMostPairs = 50'000'000;  // of what JavaScript keeps as rows
  return runAsync<std::vector<score::Pair>>(
      info.Env(),
      [=, a = side("a"), b = side("b"), radius = fields.number("radiusArcsec")] {
        return score::pairsWithin(a.view(), b.view(), radius, threads, kMostPairs);
      },
      [](Napi::Env env, const std::vector<score::Pair>& pairs) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("a", column(env, pairs, [](const score::Pair& pair) { return static_cast<double>(pair.a); }));
        out.Set("b", column(env, pairs, [](const score::Pair& pair) { return static_cast<double>(pair.b); }));
        out.Set("separation", column(env, pairs, [](const score::Pair& pair) { return pair.separation; }));
        return out;
      });
}

}  // namespace otf::addon
