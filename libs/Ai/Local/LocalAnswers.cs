using System.Globalization;
using System.Text;
using Ai.Local.Text;
using Ai.Prompts;
using Microsoft.Extensions.AI;

namespace Ai.Local;

/// <summary>An answer in the words of the documents that were found.</summary>
/// <param name="Known">Whether anything was found that fits.</param>
/// <param name="Text">The answer in the language of the question; that it does not know, when nothing fits.</param>
/// <param name="Sources">What it is made from, the best first; empty when not known.</param>
public sealed record LocalAnswer(bool Known, string Text, IReadOnlyList<LexicalHit> Sources);

/// <summary>Answers questions without a language model: quotes the best passages with their source and score, and says so when there are none.</summary>
public static class LocalAnswers
{
    /// <summary>A further passage must be nearly as good as the first.</summary>
    private const double OfTheBest = 0.7;

    /// <summary>Answers a question from an index.</summary>
    public static LocalAnswer Answer(string question, LexicalIndex index, LocalOptions options)
    {
        var korean = TextLanguage.IsKorean(question);
        var hits = index.Search(question, options.AnswerPassages);
        if (hits.Count == 0 || hits[0].Score < options.AnswerThreshold)
        {
            return new LocalAnswer(
                Known: false,
                korean
                    ? "잘 모르겠어요. 가지고 있는 자료에서 맞는 내용을 찾지 못했어요. 조금 더 자세히 물어봐 주세요."
                    : "I do not know. Nothing in my documents fits the question; please ask it in more detail.",
                []);
        }

        LexicalHit[] used = [.. hits.Where(hit => hit.Score >= Math.Max(options.AnswerThreshold, hits[0].Score * OfTheBest))];
        var text = new StringBuilder(korean ? "자료에서 찾은 내용이에요." : "This is what my documents say.");
        foreach (var hit in used)
        {
            text.Append("\n\n").Append(hit.Passage).Append('\n').AppendFormat(
                CultureInfo.InvariantCulture, korean ? "(출처: {0}, 일치도 {1:P0})" : "(source: {0}, match {1:P0})", hit.Document.Source ?? hit.Document.Title, hit.Score);
        }

        text.Append(korean ? "\n\n언어 모델 없이 자료의 문장을 그대로 옮긴 답이에요." : "\n\nThe sentences are quoted as they are; no language model wrote this.");
        return new LocalAnswer(Known: true, text.ToString(), used);
    }
}

/// <summary>The local provider's skill of answering from an index. The question is the last message: its fenced variable, or all of it.</summary>
/// <param name="task">Task that it answers.</param>
/// <param name="variable">Variable of the user prompt that holds the question.</param>
/// <param name="index">The documents.</param>
/// <param name="options">Threshold and number of passages.</param>
public sealed class LocalAnswerSkill(string task, string variable, LexicalIndex index, LocalOptions options) : ILocalSkill
{
    /// <inheritdoc/>
    public string Task => task;

    /// <inheritdoc/>
    public Task<string> AnswerAsync(IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var text = messages[^1].Text;
        return System.Threading.Tasks.Task.FromResult(LocalAnswers.Answer(Fence.Inside(text, variable) ?? text, index, options).Text);
    }
}
