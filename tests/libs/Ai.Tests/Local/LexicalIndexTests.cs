using Ai.Local;
using Ai.Local.Text;

namespace Ai.Tests.Local;

/// <summary>What the index does; how well it finds Korean rules is told by <c>RuleSearchTests</c> of scan-worker.</summary>
public sealed class LexicalIndexTests
{
    private static readonly LexicalDocument Glass = new("glass", "유리병", "뚜껑을 분리합니다.\n물로 헹군 뒤 유리병 수거함에 넣습니다.\n색깔별로 나누지 않아도 됩니다.")
    {
        Tags = ["소주병", "맥주병"], Source = "유리병 안내",
    };

    private static readonly LexicalDocument Paper = new("paper", "종이", "상자는 테이프를 떼고 접습니다.\n신문지는 묶어서 내놓습니다.") { Tags = ["신문지", "종이_상자"] };

    private static readonly LexicalDocument Cans = new("cans", "Metal cans", "Rinse the can and press it flat. Aerosol cans must be empty.");

    private static LexicalIndex Index(LexicalWords? words = null)
    {
        var index = new LexicalIndex(words);
        index.Add(Glass);
        index.Add(Paper);
        index.Add(Cans);
        return index;
    }

    private static string[] Found(LexicalIndex index, string question) => [.. index.Search(question).Select(hit => hit.Document.Id)];

    [Theory]
    [InlineData("유리병은 어떻게 버려요?", "glass", "물로 헹군 뒤 유리병 수거함에 넣습니다.")]
    [InlineData("테이프 붙은 상자", "paper", "상자는 테이프를 떼고 접습니다.")]
    [InlineData("신 문 지 묶기", "paper", "신문지는 묶어서 내놓습니다.")]
    [InlineData("How do I rinse cans?", "cans", "Rinse the can and press it flat. Aerosol cans must be empty.")]
    public void Finds_the_document_and_the_passage(string question, string id, string passage)
    {
        var best = Index().Search(question)[0];

        Assert.Equal((id, passage), (best.Document.Id, best.Passage));
        Assert.InRange(best.Score, 0.15, 1);
    }

    [Fact]
    public void A_tag_in_the_question_speaks_for_its_document_whatever_the_blanks()
    {
        using var index = Index();
        var best = index.Search("종이상자")[0];
        index.Add(Paper with { Tags = [] });

        Assert.Equal(("paper", "종이_상자"), (best.Document.Id, Assert.Single(best.Tags)));
        Assert.True(best.Score > index.Search("종이상자")[0].Score);
    }

    [Fact]
    public void Synonyms_and_stop_words_come_from_the_app()
    {
        var words = new LexicalWords(new Dictionary<string, string> { ["박스"] = "상자", ["tin"] = "can" }, ["버려"]);

        Assert.Empty(Found(Index(), "박스"));
        Assert.Equal(["paper"], Found(Index(words), "박스 버려요"));
        Assert.Equal(["cans"], Found(Index(words), "tin"));
        Assert.Equal(Index(words).Search("상자")[0].Score, Index(words).Search("상자 어떻게 버려")[0].Score);
    }

    [Fact]
    public void Embeddings_count_where_there_are_some()
    {
        using var index = Index();
        float[] east = [1, 0], north = [0, 1];
        index.Add(Paper with { Embedding = north });
        index.Add(Cans with { Embedding = east });

        Assert.Equal("cans", index.Search("말이 안 통해", embedding: east)[0].Document.Id);
        Assert.Equal("paper", index.Search("말이 안 통해", embedding: north)[0].Document.Id);
        Assert.Throws<ArgumentException>(() => index.Search("x", embedding: new float[] { 1 }));
        Assert.Equal(["glass"], Found(index, "유리"));
    }

    [Fact]
    public void Documents_are_replaced_and_removed_without_a_trace()
    {
        using var index = Index();
        var before = index.Search("유리병 신문지 can").Select(hit => (hit.Document.Id, hit.Score)).ToArray();

        index.Add(new LexicalDocument("glass", "형광등", "전용 수거함"));
        Assert.Equal((3, "glass"), (index.Count, Found(index, "형광등").Single()));
        Assert.DoesNotContain("glass", Found(index, "유리병 소주병"));
        index.Add(new LexicalDocument("more", "more", "more"));
        Assert.True(index.Remove("more"));
        Assert.False(index.Remove("more"));
        index.Add(Glass);

        Assert.Equal(before, index.Search("유리병 신문지 can").Select(hit => (hit.Document.Id, hit.Score)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("?!")]
    [InlineData("zzz 퀙")]
    public void Finds_nothing_where_nothing_fits(string question)
    {
        Assert.Empty(Index().Search(question));
        Assert.Empty(new LexicalIndex().Search(question));
    }

    [Fact]
    public void Gives_as_many_as_asked_the_best_first()
    {
        using var index = new LexicalIndex();
        for (var i = 0; i < 50; i++)
        {
            index.Add(new LexicalDocument($"d{i}", "문서", string.Concat(Enumerable.Repeat("종이 ", i + 1)) + string.Concat(Enumerable.Repeat("다른 말 ", 60 - i))));
        }

        var hits = index.Search("종이", top: 7);

        Assert.Equal(7, hits.Count);
        Assert.Equal(hits.OrderByDescending(hit => hit.Score), hits);
        Assert.Equal("d49", hits[0].Document.Id);
    }

    [Fact]
    public void A_long_line_is_quoted_by_its_sentences()
    {
        var sentences = Enumerable.Range(1, 40).Select(i => i == 27 ? "형광등은 전용 수거함에 넣어 주세요." : $"이 문장의 번호는 {i} 입니다.");
        using var index = new LexicalIndex();
        index.Add(new LexicalDocument("long", "안내", string.Join(' ', sentences)));

        var passage = index.Search("형광등 수거함")[0].Passage;

        Assert.Contains("형광등은 전용 수거함에 넣어 주세요.", passage);
        Assert.InRange(passage.Length, 20, 300);
    }

    [Fact]
    public async Task Is_searched_while_documents_come_and_go()
    {
        using var index = Index();
        using var stop = new CancellationTokenSource();
        // On a thread of its own: the reader keeps one of the pool.
        var writer = Task.Factory.StartNew(() =>
        {
            for (var i = 0; i < 2_000; i++)
            {
                index.Add(new LexicalDocument($"d{i % 10}", "플라스틱", $"용기 {i}"));
                index.Remove($"d{(i + 5) % 10}");
            }

            stop.Cancel();
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        while (!stop.IsCancellationRequested)
        {
            Assert.Equal("glass", index.Search("유리병")[0].Document.Id);
        }

        await writer;
    }

    [Theory]
    [InlineData("유리병은 어떻게 버려요?", true, "자료에서 찾은 내용이에요.", "(출처: 유리병 안내, 일치도 ")]
    [InlineData("How do I rinse cans?", true, "This is what my documents say.", "(source: Metal cans, match ")]
    [InlineData("오늘 저녁 뭐 먹지?", false, "잘 모르겠어요.", "자세히")]
    [InlineData("Who won the football match yesterday?", false, "I do not know.", "more detail")]
    public void An_answer_quotes_its_source_or_says_that_it_does_not_know(string question, bool known, string begins, string holds)
    {
        var answer = LocalAnswers.Answer(question, Index(), new LocalOptions());

        Assert.Equal(known, answer.Known);
        Assert.StartsWith(begins, answer.Text);
        Assert.Contains(holds, answer.Text);
        Assert.All(answer.Sources, source => Assert.Contains(source.Passage, answer.Text));
        Assert.Equal(known, answer.Sources.Count > 0);
    }
}
