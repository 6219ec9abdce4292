// What the page says, in both languages.
export const texts = {
  ko: {
    subtitle: "분리배출 도우미", scanTitle: "사진으로 물어보기", drop: "사진을 끌어다 놓거나 눌러서 고르세요 (JPEG, PNG)",
    question: "질문 (선택)", ask: "이 폐기물을 어떻게 분리배출해야 하나요?", start: "알아보기", cancel: "그만하기", myScans: "내 기록", myCharacters: "내 캐릭터",
    language: "English", points: "포인트", noScans: "아직 기록이 없어요", confidence: "확신도", runnerUp: "다음 후보",
    unsure: "확실하지 않아요", by: "답한 모델", owned: "이미 함께하는 친구예요", fresh: "새 친구가 생겼어요",
    stages: { queued: "접수", vision: "사진 분석", rule: "규정 찾기", answer: "답변 작성", reward: "보상" },
    states: { processing: "진행 중", completed: "완료", failed: "실패", cancelled: "취소됨", expired: "기간 지남" },
    failed: "끝내지 못했어요", tooLarge: "사진이 너무 커요", offline: "서버에 연결할 수 없어요. 잠시 뒤 다시 해 주세요",
  },
  en: {
    subtitle: "waste sorting helper", scanTitle: "Ask with a photo", drop: "Drop a photo here or press to choose one (JPEG, PNG)",
    question: "Question (optional)", ask: "How do I dispose of this waste?", start: "Find out", cancel: "Stop", myScans: "My scans", myCharacters: "My characters",
    language: "한국어", points: "points", noScans: "Nothing here yet", confidence: "confidence", runnerUp: "runner-up",
    unsure: "Not sure", by: "answered by", owned: "you have this friend already", fresh: "a new friend",
    stages: { queued: "Queued", vision: "Looking", rule: "Rules", answer: "Answer", reward: "Reward" },
    states: { processing: "running", completed: "done", failed: "failed", cancelled: "cancelled", expired: "expired" },
    failed: "It could not be finished", tooLarge: "The photo is too large", offline: "The server cannot be reached. Please try again soon",
  },
};
