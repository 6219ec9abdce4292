using System.Diagnostics;
using Ai.Local.Text;

namespace Ai.Tests.Local;

/// <summary>What embeddings and search take; the figures stand in docs/models.md. The texts are made up of the words of a fixed list.</summary>
[Trait("Category", "Bench")]
public sealed class LexicalBench
{
    private const int Searches = 200;

    private static readonly string[] Words =
    [
        "유리병", "페트병", "플라스틱", "종이", "상자", "수거함", "라벨을", "뚜껑을", "헹구고", "분리합니다", "버려요", "건전지는", "형광등", "소파", "냉장고", "스티커", "신고", "봉투",
        "재활용", "쓰레기", "음식물", "물기를", "제거한", "다음", "접어서", "묶어서", "내놓습니다", "지자체", "안내를", "확인하세요", "rinse", "bottle", "paper", "battery", "collection",
    ];

    [Theory]
    [InlineData(1_000)]
    [InlineData(10_000)]
    public void Search_and_embeddings(int documents)
    {
        var random = new Random(11);
        string Text(int words) => string.Join(' ', Enumerable.Range(0, words).Select(_ => Words[random.Next(Words.Length)] + (random.Next(3) == 0 ? $"{random.Next(5_000)}" : "")));
        LexicalDocument[] all = [.. Enumerable.Range(0, documents).Select(i => new LexicalDocument($"d{i}", Text(3), Text(60)) { Tags = [Text(1)] })];
        string[] questions = [.. Enumerable.Range(0, Searches).Select(_ => Text(6))];
        using var index = new LexicalIndex();

        var added = Time(() => Array.ForEach(all, index.Add));
        index.Search(questions[0]);
        var each = questions.Select(question => Time(() => index.Search(question))).Order().ToArray();
        LexicalEmbedding.Create(all[0].Text, 512);
        var embedded = Time(() => Array.ForEach(all, document => LexicalEmbedding.Create(document.Text, 512)));

        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{documents} documents of {all.Average(document => document.Text.Length):F0} characters: add {added.TotalMilliseconds * 1000 / documents:F0} us each, "
            + $"search p50 {each[Searches / 2].TotalMilliseconds:F2} ms, p95 {each[Searches * 95 / 100].TotalMilliseconds:F2} ms, "
            + $"embedding of 512 {embedded.TotalMilliseconds * 1000 / documents:F0} us each");
        // Far above what a busy machine takes: this notices a change of order, not of degree.
        Assert.InRange(each[Searches / 2].TotalMilliseconds, 0, 200);
    }

    private static TimeSpan Time(Action act)
    {
        var started = Stopwatch.GetTimestamp();
        act();
        return Stopwatch.GetElapsedTime(started);
    }
}
