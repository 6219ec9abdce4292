using System.Text.Json;
using Ai.Local.Intents;

namespace Ai.Tests.Local;

/// <summary>Intents by keywords and transitions, with the tables of the chat's specification.</summary>
public sealed class IntentClassifierTests
{
    private static readonly IntentTables Tables = new()
    {
        Fallback = "general",
        Keywords = new Dictionary<string, IReadOnlyList<string>>
        {
            ["waste"] = ["버려", "버리", "분리", "재활용", "쓰레기", "폐기"],
            ["character"] = ["캐릭터", "얻", "모아", "컬렉션"],
            ["location"] = ["어디", "근처", "가까", "위치", "샵", "제로웨이스트", "재활용센터"],
            ["bulk_waste"] = ["대형폐기물", "대형", "소파", "냉장고", "세탁기", "가구", "수수료", "신청", "가전", "매트리스", "침대"],
            ["recyclable_price"] = ["시세", "가격", "얼마", "고철", "폐지", "매입", "kg", "킬로"],
            ["collection_point"] = ["수거함", "의류수거", "폐건전지", "폐형광등", "형광등", "건전지", "의류"],
            ["weather"] = ["날씨", "기온"],
            ["image_generation"] = ["이미지", "그림", "인포그래픽", "시각", "보여줘", "그려"],
            ["web_search"] = ["검색"],
            ["general"] = ["안녕", "뭐야", "왜"],
        },
        Transitions = new Dictionary<string, IReadOnlyDictionary<string, double>>
        {
            ["waste"] = new Dictionary<string, double> { ["location"] = 0.15, ["collection_point"] = 0.10, ["character"] = 0.05 },
            ["bulk_waste"] = new Dictionary<string, double> { ["location"] = 0.12, ["recyclable_price"] = 0.08 },
        },
        Connectives = ["그리고", "또한", ",", "하고", "이랑"],
    };

    private static readonly IntentClassifier Classifier = new(Tables);

    [Theory]
    [InlineData("페트병은 어떻게 버려요?", "waste", 0.6)]
    [InlineData("분리해서 재활용 쓰레기로 버려요?", "waste", 0.7)]
    [InlineData("대형폐기물 수수료 알려줘", "bulk_waste", 0.7)]
    [InlineData("고철 시세 알려줘", "recyclable_price", 0.7)]
    [InlineData("근처 제로웨이스트 샵", "location", 0.7)]
    [InlineData("5KG 팔고 싶어요", "recyclable_price", 0.6)]
    [InlineData("안녕하세요 반가워요", "general", 0.6)]
    [InlineData("우주는 얼마나 넓을까", "recyclable_price", 0.6)]
    [InlineData("사과나무 이야기 해줘", "general", 0)]
    [InlineData("버려?", "general", 0.5)]
    [InlineData("", "general", 0)]
    public void Keywords_give_the_verdict_where_no_model_does(string message, string name, double confidence) =>
        Assert.Equal(new Intent(name, confidence), Classifier.Classify(message));

    [Theory]
    [InlineData("이거 재질이 뭐예요 궁금", "waste", 0.55, "general", 0.55)]
    [InlineData("이거 버려도 되는 건가요", "waste", 0.55, "waste", 0.65)]
    [InlineData("분리 재활용 쓰레기 폐기", "waste", 0.5, "waste", 0.7)]
    [InlineData("버려?", "waste", 0.6, "waste", 0.6)]
    [InlineData("뭐?", "waste", 0.65, "general", 0.55)]
    [InlineData("분리 재활용 쓰레기", "waste", 0.95, "waste", 1)]
    [InlineData("아무 말이나 합니다", "no_such_intent", 0.99, "general", 0.99)]
    public void The_tables_mend_a_models_verdict(string message, string said, double sure, string name, double confidence) =>
        Assert.Equal(new Intent(name, confidence), Classifier.Classify(message, verdict: new Intent(said, sure)));

    [Theory]
    [InlineData("waste", 0.9, "collection_point", 0.7)]
    [InlineData("waste", 0.69, "collection_point", 0.6)]
    [InlineData("location", 0.9, "collection_point", 0.6)]
    public void What_came_before_counts_when_it_was_sure(string before, double sure, string name, double confidence) =>
        Assert.Equal(new Intent(name, confidence), Classifier.Classify("건전지는요 그럼", new Intent(before, sure)));

    [Fact]
    public void A_tie_goes_to_the_likelier_next_intent()
    {
        Assert.Equal("location", Classifier.Classify("어디서 얼마", null).Name);
        Assert.Equal("recyclable_price", Classifier.Classify("수거 kg 샵", null, new Intent("recyclable_price", 0.6)).Name);
        Assert.Equal("location", Classifier.Classify("얼마 어디", new Intent("bulk_waste", 0.8)).Name);
    }

    [Theory]
    [InlineData("소파 버리는 수수료 알려주고 그리고 오늘 날씨 기온도 알려줘", "bulk_waste", "weather")]
    [InlineData("페트병 어떻게 버려요, 가까운 위치에 샵 있나요?", "waste", "location")]
    [InlineData("페트병이랑 유리병이랑 캔은 어떻게 버려요?", "waste", null)]
    [InlineData("종이, 비닐, 캔, 유리 분리하는 법", "waste", null)]
    [InlineData("버리고, 분리하고, 재활용하고 싶은 쓰레기", "waste", null)]
    [InlineData("버려, 어디?", "waste", null)]
    [InlineData("하늘은 파랗고 그리고 바다는 넓다", "general", null)]
    public void A_message_is_split_only_into_questions_of_their_own(string message, string first, string? second)
    {
        var queries = Classifier.Split(message);

        Assert.Equal(second is null ? [first] : new[] { first, second }, queries.Select(query => query.Intent.Name));
        Assert.All(queries, query => Assert.Contains(query.Text, message));
        Assert.True(second is not null || queries[0].Text == message);
    }

    [Fact]
    public void At_most_three_questions()
    {
        var queries = Classifier.Split("페트병 버려요, 근처 샵 위치, 고철 시세 가격, 오늘 날씨 기온, 캐릭터 컬렉션");

        Assert.Equal(["waste", "location", "recyclable_price"], queries.Select(query => query.Intent.Name));
        Assert.EndsWith("컬렉션", queries[2].Text);
    }

    [Theory]
    [InlineData("""{"fallback":"x","keywords":{"general":[]}}""", "'x' is none of the intents")]
    [InlineData("""{"fallback":"general","keywords":{"general":[" "]}}""", "is empty")]
    [InlineData("""{"fallback":"general","keywords":{"general":[]},"transitions":{"general":{"waste":0.1}}}""", "there is not")]
    [InlineData("""{"fallback":"general","keywords":{"general":[]},"transitions":{"general":{"general":0.2}}}""", "at most 0.15")]
    [InlineData("""{"fallback":"general"}""", "keywords")]
    [InlineData("null", "is empty")]
    [InlineData("no", "tables.json")]
    public void A_wrong_file_is_told(string json, string expected)
    {
        var folder = Directory.CreateTempSubdirectory("intents-").FullName;
        try
        {
            var path = Path.Combine(folder, "tables.json");
            File.WriteAllText(path, json);
            var failure = Assert.Throws<InvalidDataException>(() => IntentTables.Load(path));
            Assert.Contains("tables.json", failure.Message);
            Assert.Contains(expected, failure.Message);

            File.WriteAllText(path, JsonSerializer.Serialize(Tables, new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower }));
            Assert.Equal(Tables.Keywords["waste"], IntentTables.Load(path).Keywords["waste"]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
