namespace Desk.Generation;

/// <summary>A step of a task: its stage in the log, the progress before and after it, and how long it may take.</summary>
public sealed record DeskStep(string Stage, int ProgressBefore, int ProgressAfter, Func<GenerationOptions, TimeSpan> Timeout)
{
    private static readonly TimeSpan Hung = TimeSpan.FromSeconds(60);

    public static readonly DeskStep Download = new("downloading", 0, 10, options => options.DownloadTimeout);
    public static readonly DeskStep Classify = new("classifying", 10, 20, options => options.ClassifyTimeout);
    public static readonly DeskStep Prompt = new("prompting", 20, 35, options => options.PromptTimeout);
    public static readonly DeskStep Draw = new("generating", 35, 80, options => options.DrawTimeout);
    public static readonly DeskStep Upload = new("uploading", 80, 85, options => options.UploadTimeout);

    /// <summary>The last two keep a time of their own, after which they go on with what they have; this is for what hangs in spite of it.</summary>
    public static readonly DeskStep Search = new("searching", 85, 95, _ => Hung);

    /// <inheritdoc cref="Search"/>
    public static readonly DeskStep Locate = new("locating", 85, 95, _ => Hung);

    /// <summary>All of them, in their order; the last two run beside each other.</summary>
    public static readonly IReadOnlyList<DeskStep> All = [Download, Classify, Prompt, Draw, Upload, Search, Locate];
}
