namespace TrainHead;

/// <summary>How good a head is on pictures that it has not seen. Shares are 0 to 1.</summary>
/// <param name="Pictures">Pictures of the cross-validation.</param>
/// <param name="BlockedAccuracy">Right answers in blocked five-fold cross-validation: the honest figure.</param>
/// <param name="MacroRecall">Mean of the recalls of the classes, same cross-validation.</param>
/// <param name="OfficialAccuracy">Right answers on the authors' test list (five classes) by a head trained on their other two lists.</param>
/// <param name="CalibrationError">Mean distance between confidence and frequency of being right, in ten bins.</param>
/// <param name="Temperature">Divisor of the scores.</param>
/// <param name="Threshold">Confidence below which an answer is unsure.</param>
/// <param name="SureShare">Share of pictures at or above the threshold.</param>
/// <param name="SureAccuracy">Right answers among those.</param>
/// <param name="Confusion">[truth][answer], pictures.</param>
internal sealed record HeadMetrics(
    int Pictures,
    double BlockedAccuracy,
    double MacroRecall,
    double OfficialAccuracy,
    double CalibrationError,
    double Temperature,
    double Threshold,
    double SureShare,
    double SureAccuracy,
    int[][] Confusion)
{
    /// <summary>An answer that is not called unsure should be right this often.</summary>
    private const double WantedSureAccuracy = 0.90;

    private const int Bins = 10;

    /// <summary>The lowest threshold, in steps of 0.01 from 0.4, whose answers are right often enough.</summary>
    public static float ChooseThreshold(IReadOnlyList<Answer> answers)
    {
        for (int percent = 40; percent < 95; percent++)
        {
            float threshold = percent / 100f;
            if (answers.Where(a => a.Confidence >= threshold).Select(a => a.Right ? 1.0 : 0.0).DefaultIfEmpty(1).Average() >= WantedSureAccuracy)
            {
                return threshold;
            }
        }

        return 0.95f;
    }

    public static HeadMetrics From(IReadOnlyList<Answer> answers, int classes, float temperature, float threshold, double officialAccuracy)
    {
        var confusion = Enumerable.Range(0, classes).Select(_ => new int[classes]).ToArray();
        foreach (var answer in answers)
        {
            confusion[answer.Truth][answer.Said]++;
        }

        var sure = answers.Where(a => a.Confidence >= threshold).ToArray();
        return new HeadMetrics(
            answers.Count,
            Rounded(answers.Count(a => a.Right), answers.Count),
            Math.Round(confusion.Select((row, truth) => (double)row[truth] / Math.Max(row.Sum(), 1)).Average(), 4),
            Math.Round(officialAccuracy, 4),
            Math.Round(ErrorOfConfidence(answers), 4),
            Math.Round(temperature, 3),
            Math.Round(threshold, 2),
            Rounded(sure.Length, answers.Count),
            Rounded(sure.Count(a => a.Right), sure.Length),
            confusion);
    }

    private static double ErrorOfConfidence(IReadOnlyList<Answer> answers) =>
        answers.GroupBy(a => Math.Min((int)(a.Confidence * Bins), Bins - 1))
            .Sum(bin => Math.Abs(bin.Sum(a => a.Confidence - (a.Right ? 1.0 : 0.0)))) / answers.Count;

    private static double Rounded(int count, int of) => Math.Round((double)count / Math.Max(of, 1), 4);
}
