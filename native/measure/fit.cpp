#include "measure/fit.h"

#include <cminpack.h>

#include <algorithm>
#include <cmath>

#include "measure/derivatives.h"

namespace otf::measure {
namespace {

constexpr int kPlaceParameters = 3, kShapeParameters = 6;
/// The minimum to a hundred-thousandth of the errors: the sum of squares is flat there.
constexpr double kSquares = 1e-11;

/// The exponent's form a dx^2 + 2 b dx dy + c dy^2: the inverse of the covariance.
struct Form {
  double a, b, c;
};

Form formOf(const Covariance& shape) {
  const double d = shape.determinant();
  return {shape.yy / d, -shape.xy / d, shape.xx / d};
}

struct Problem {
  const FitPixels& pixels;
  double scale;
  std::span<const bool> freeShape;
  std::vector<Form> forms;    // of those whose shape is fixed
  std::vector<double> bells;  // of the residuals that were asked for last, one Gaussian after the other

  Form formAt(size_t g, const double* p) const { return freeShape[g] ? Form{p[3], p[4], p[5]} : forms[g]; }
  int parametersOf(size_t g) const { return freeShape[g] ? kShapeParameters : kPlaceParameters; }

  void residualsAt(const double* p, double* residuals) {
    const size_t count = pixels.count();
    std::fill_n(residuals, count, 0.0);
    for (size_t g = 0; g < freeShape.size(); p += parametersOf(g), ++g) {
      const Form form = formAt(g, p);
      double* own = &bells[g * count];
      for (size_t i = 0; i < count; ++i) {
        const double dx = pixels.x[i] - p[1], dy = pixels.y[i] - p[2];
        own[i] = std::exp(-0.5 * (dx * (form.a * dx + form.b * dy) + dy * (form.b * dx + form.c * dy)));
        residuals[i] += p[0] * own[i];
      }
    }
    for (size_t i = 0; i < count; ++i) residuals[i] = (residuals[i] - pixels.values[i]) / scale;
  }

  /// Where the residuals were asked for last: by peak, x, y, a, b, c, column by column.
  void derivativesAt(const double* p, double* jacobian, size_t stride) const {
    const size_t count = pixels.count();
    for (size_t g = 0; g < freeShape.size(); p += parametersOf(g), ++g) {
      const Form form = formAt(g, p);
      const double* own = &bells[g * count];
      double *byPeak = jacobian, *byX = byPeak + stride, *byY = byX + stride, *byForm = byY + stride;
      jacobian += static_cast<size_t>(parametersOf(g)) * stride;
      for (size_t i = 0; i < count; ++i) {
        const double dx = pixels.x[i] - p[1], dy = pixels.y[i] - p[2];
        const double bell = own[i] / scale, height = p[0] * bell;
        byPeak[i] = bell;
        byX[i] = height * (form.a * dx + form.b * dy);
        byY[i] = height * (form.b * dx + form.c * dy);
        if (!freeShape[g]) continue;
        byForm[i] = -0.5 * height * dx * dx;
        byForm[stride + i] = -height * dx * dy;
        byForm[2 * stride + i] = -0.5 * height * dy * dy;
      }
    }
  }
};

/// As MINPACK calls it: 1 = residuals, 2 = their derivatives, where it asked for residuals last (lmder tries a step, and goes on
/// from it when it is taken).
int evaluate(void* data, int, int, const double* p, double* residuals, double* jacobian, int stride,
             int what) {
  auto& problem = *static_cast<Problem*>(data);
  if (what == 1) problem.residualsAt(p, residuals);
  if (what == 2) problem.derivativesAt(p, jacobian, static_cast<size_t>(stride));
  return 0;
}

double squaresOf(std::span<const double> residuals) {
  return product(residuals.data(), residuals.data(), residuals.size());
}

struct Approach {
  int evaluations = 0;  // of the model
  bool isAtEnd = false;
  double squares = 0;  // at its end
};

/// Steps by the normal equations, damped as Levenberg and Marquardt have it, as long as they help: they cost a fraction of
/// MINPACK's. Near the minimum they are Gauss's and Newton's, not damped: it is reached when such a step promises less than
/// kSquares. Everything else is MINPACK's, which works on the derivatives themselves: sources that can hardly be told apart, and
/// steps that do not help.
class NormalSteps {
 public:
  NormalSteps(Problem& problem, std::vector<double>& parameters, std::vector<double>& residuals,
              std::vector<double>& jacobian)
      : problem_(problem),
        parameters_(parameters),
        residuals_(residuals),
        jacobian_(jacobian),
        normal_(parameters.size(), parameters.size()),
        cholesky_(parameters.size()),
        gradient_(parameters.size()),
        step_(parameters.size()),
        trial_(parameters.size()),
        left_(residuals.size()) {}

  Approach run() {
    problem_.residualsAt(parameters_.data(), residuals_.data());
    result_ = {1, false, squaresOf(residuals_)};
    while (result_.evaluations < kMostSteps) {
      linearise();
      if (isNear_ ? !stepToEnd() : !stepDamped()) break;
    }
    return result_;
  }

 private:
  static constexpr double kFirstDamping = 1e-3, kMostDamping = 1e3, kFactor = 10;
  static constexpr double kLeastAfterFailure = 1e-2;  // less changes nothing in a step
  static constexpr double kNear = 1e-7;               // of the sum of squares, that the last step took
  // What is not near its end by then is MINPACK's to end, or to give up.
  static constexpr int kMostSteps = kMostEvaluations / 2;

  void linearise() {
    const size_t n = parameters_.size(), m = residuals_.size();
    problem_.derivativesAt(parameters_.data(), jacobian_.data(), m);
    for (size_t p = 0; p < n; ++p) {
      const double* own = &jacobian_[p * m];
      for (size_t q = 0; q <= p; ++q)
        normal_.at(p, q) = normal_.at(q, p) = product(own, &jacobian_[q * m], m);
      gradient_[p] = product(own, residuals_.data(), m);
    }
  }

  bool solve(double damping) {
    if (!cholesky_.decompose(normal_, damping)) return false;
    step_ = gradient_;
    cholesky_.solve(step_.data());
    for (size_t p = 0; p < step_.size(); ++p) trial_[p] = parameters_[p] - step_[p];
    return true;
  }

  /// Of the sum of squares at the trial: how much less it is.
  double gain() {
    problem_.residualsAt(trial_.data(), left_.data());
    ++result_.evaluations;
    after_ = squaresOf(left_);
    return result_.squares - after_;
  }

  void take() {
    result_.squares = after_;
    parameters_.swap(trial_);
    residuals_.swap(left_);
  }

  /// False: it has no better one.
  bool stepDamped() {
    while (damping_ <= kMostDamping && result_.evaluations < kMostSteps) {
      if (!solve(damping_)) return false;
      const double won = gain();
      isNear_ = std::abs(won) < kNear * result_.squares;
      damping_ = won > 0 ? damping_ / kFactor : std::max(damping_ * kFactor, kLeastAfterFailure);
      if (won > 0) take();
      if (won > 0 || isNear_) return true;
    }
    return false;
  }

  /// False: it was the last one, or did not help.
  bool stepToEnd() {
    if (!solve(0)) return false;
    const double promised = product(gradient_.data(), step_.data(), step_.size());
    if (promised < kSquares * result_.squares) {
      parameters_.swap(trial_);
      result_.squares -= promised;
      result_.isAtEnd = true;
      return false;
    }
    if (!(gain() > 0)) return false;
    take();
    return true;
  }

  Problem& problem_;
  std::vector<double>&parameters_, &residuals_, &jacobian_;
  Matrix normal_;
  Cholesky cholesky_;
  std::vector<double> gradient_, step_, trial_, left_;
  Approach result_;
  double damping_ = kFirstDamping, after_ = 0;
  bool isNear_ = false;
};

/// From where it is to the end, or to the last evaluation. MINPACK's lmder (More 1978).
FitOutcome finish(Problem& problem, std::vector<double>& parameters, std::vector<double>& residuals,
                  std::vector<double>& jacobian, int before) {
  const auto m = static_cast<int>(residuals.size()), n = static_cast<int>(parameters.size());
  std::vector<double> work(5 * parameters.size() + residuals.size());
  std::vector<int> pivots(parameters.size());
  double *diagonal = work.data(), *qtf = diagonal + n, *w1 = qtf + n, *w2 = w1 + n, *w3 = w2 + n,
         *w4 = w3 + n;
  constexpr double kParameters = 1e-9, kFactor = 100;
  int evaluations = 0, derivations = 0;
  const int info = lmder(evaluate, &problem, m, n, parameters.data(), residuals.data(), jacobian.data(), m,
                         kSquares, kParameters, 0, kMostEvaluations - before, diagonal, 1, kFactor, 0,
                         &evaluations, &derivations, pivots.data(), qtf, w1, w2, w3, w4);
  // 6 to 8: as near as the numbers allow.
  const bool converged = (info >= 1 && info <= 4) || (info >= 6 && info <= 8);
  return {converged, before + evaluations, squaresOf(residuals)};
}

}  // namespace

double Gaussian::at(double px, double py) const {
  const Form form = formOf(shape);
  const double dx = px - x, dy = py - y;
  return peak * std::exp(-0.5 * (form.a * dx * dx + 2 * form.b * dx * dy + form.c * dy * dy));
}

void FitPixels::clear() {
  x.clear();
  y.clear();
  values.clear();
}

FitOutcome fitGaussians(const FitPixels& pixels, double scale, std::span<Gaussian> gaussians,
                        std::span<const bool> freeShape) {
  Problem problem{pixels, scale, freeShape, {}, std::vector<double>(pixels.count() * gaussians.size())};
  std::vector<double> parameters;
  for (size_t g = 0; g < gaussians.size(); ++g) {
    const Gaussian& start = gaussians[g];
    if (!start.shape.isPositive()) return {};
    const Form form = formOf(start.shape);
    problem.forms.push_back(form);
    parameters.insert(parameters.end(), {start.peak, start.x, start.y});
    if (freeShape[g]) parameters.insert(parameters.end(), {form.a, form.b, form.c});
  }
  const size_t rows = pixels.count();
  if (rows < parameters.size() || !(scale > 0)) return {};
  std::vector<double> residuals(rows), jacobian(rows * parameters.size());
  const Approach near = NormalSteps(problem, parameters, residuals, jacobian).run();
  FitOutcome outcome{true, near.evaluations, near.squares};
  if (!near.isAtEnd) outcome = finish(problem, parameters, residuals, jacobian, near.evaluations);
  outcome.squares *= scale * scale;
  if (!outcome.converged) return outcome;

  std::vector<Gaussian> found;
  const double* p = parameters.data();
  for (size_t g = 0; g < gaussians.size(); ++g) {
    Gaussian one{p[0], p[1], p[2], gaussians[g].shape};
    if (freeShape[g]) {
      const double d = p[3] * p[5] - p[4] * p[4];
      one.shape = {p[5] / d, -p[4] / d, p[3] / d};
      if (!(p[3] > 0 && p[5] > 0 && d > 0)) outcome.converged = false;
    }
    p += freeShape[g] ? kShapeParameters : kPlaceParameters;
    const bool finite = std::isfinite(one.peak + one.x + one.y + one.shape.xx + one.shape.xy + one.shape.yy);
    outcome.converged = outcome.converged && finite;
    found.push_back(one);
  }
  if (outcome.converged) std::ranges::copy(found, gaussians.begin());
  return outcome;
}

bool fitPeaks(const FitPixels& pixels, std::span<Gaussian> gaussians) {
  const size_t n = gaussians.size();
  Matrix matrix(n, n);
  std::vector<double> right(n), bells(n);
  std::vector<Gaussian> units(gaussians.begin(), gaussians.end());
  for (Gaussian& unit : units) unit.peak = 1;
  for (size_t i = 0; i < pixels.count(); ++i) {
    for (size_t g = 0; g < n; ++g) bells[g] = units[g].at(pixels.x[i], pixels.y[i]);
    for (size_t g = 0; g < n; ++g) {
      right[g] += bells[g] * pixels.values[i];
      for (size_t h = 0; h < n; ++h) matrix.at(g, h) += bells[g] * bells[h];
    }
  }
  Cholesky cholesky(n);
  if (!cholesky.decompose(matrix)) return false;
  cholesky.solve(right.data());
  for (size_t g = 0; g < n; ++g) gaussians[g].peak = right[g];
  return true;
}

}  // namespace otf::measure
