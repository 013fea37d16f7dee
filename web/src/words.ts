/* The page's labels, in English and Chinese. A missing one is a compiler error. */

const en = {
	connection: "Connection", all: "all together", filter: "Filter", filterHint: "flags:S  len>0  lost  again  client  n=12",
	timers: "Timers", fold: "Fold repetition", theme: "Light or dark", print: "Print", keys: "Keys", play: "Play", pause: "Pause",
	first: "First", previous: "Back", next: "Step", last: "Last", ladder: "Ladder", states: "States of both ends",
	plots: "Plots", bytes: "Header", sequence: "Sequence numbers", window: "Windows and what is in flight", rtt: "Round trip",
	stevens: "Stevens", tcptrace: "tcptrace", of: "of", silence: "nothing for", lost: "lost", held: "held back",
	again: "again", observed: "observed", inferred: "inferred", unseen: "unseen", told: "told by the stack", since: "since",
	noSegment: "No segment is chosen.", built: "Built from what is known of the segment: its checksum is not kept.",
	wire: "As it was on the wire.", text: "of text", zoomHint: "Wheel or drag: zoom. Double-click: all. Click: cursor.",
	folded: "like these: Enter or click opens them", segments: "segments", events: "events",
	nothing: "Nothing matches the filter.", empty: "Nothing has happened yet.", relative: "relative",
	noPoints: "nothing to plot", sender: "Text of", cwnd: "cwnd", ssthresh: "ssthresh", flight: "in flight",
	rwnd: "receive window", sent: "sent", acked: "acknowledged", sack: "SACK", edge: "window's right edge",
	retransmitted: "sent again", srtt: "smoothed", sample: "sample", minRtt: "least", help: "Keys", close: "Close",
	cannotInflate: "This browser cannot inflate the events (it has no DecompressionStream): this is the ladder as text. " +
		"A newer browser shows all; so does a page made with tern report --plain.",
	damaged: "The events in this page are damaged: this is the ladder as text.", opening: "Opening…",
	nowIs: "now", untold: "tells nothing of its states",
	thinned: "not kept in this page", ofThem: "of them",
	broken: "lines could not be read", legend: "How to read the states",
	keyStep: "one event on, back", keySegment: "next, previous segment", keyState: "next, previous change of state",
	keyTrouble: "next, previous loss or repetition", keyEnds: "first, last", keyFilter: "filter", keyPlay: "play or pause",
	keyTheme: "light or dark", keyFold: "fold or unfold", keyZoom: "zoom of the plots", keyHelp: "this",
	legendObserved: "proved by what that end itself sent", legendInferred: "follows if what was seen on its way arrived and was taken",
	legendUnseen: "must have happened; what brought it was not captured",
	silent: "arrival inferred", field: "Field", value: "Value", meaning: "Meaning",
	window_: "window", opened: "opened", closed: "closed", duration: "duration", view: "See",
	inFlightNow: "in flight", controls: "Controls", showing: "shown", plotPointer: "at the cursor",
};

type Words = { [K in keyof typeof en]: string };

const zh: Words = {
	connection: "连接", all: "全部一起", filter: "筛选", filterHint: "flags:S  len>0  lost  again  client  n=12",
	timers: "定时器", fold: "折叠重复", theme: "亮色或暗色", print: "打印", keys: "按键", play: "播放", pause: "暂停",
	first: "最先", previous: "后退", next: "前进", last: "最后", ladder: "时序图", states: "两端的状态",
	plots: "曲线", bytes: "首部", sequence: "序号", window: "窗口与在途数据", rtt: "往返时间",
	stevens: "Stevens", tcptrace: "tcptrace", of: "/", silence: "静默", lost: "丢失", held: "扣住",
	again: "重传", observed: "观察到", inferred: "推断", unseen: "未见", told: "协议栈所述", since: "自",
	noSegment: "没有选中报文段。", built: "由报文段的已知字段重建：校验和没有保留。",
	wire: "与线路上的一致。", text: "数据", zoomHint: "滚轮或拖动：缩放。双击：全部。单击：光标。",
	folded: "与上面相同：按回车或单击展开", segments: "个报文段", events: "个事件",
	nothing: "没有符合筛选条件的内容。", empty: "还没有发生任何事。", relative: "相对",
	noPoints: "没有可画的内容", sender: "发送方", cwnd: "拥塞窗口", ssthresh: "慢启动阈值", flight: "在途",
	rwnd: "接收窗口", sent: "发送", acked: "已确认", sack: "SACK", edge: "窗口右沿",
	retransmitted: "重传", srtt: "平滑值", sample: "样本", minRtt: "最小值", help: "按键", close: "关闭",
	cannotInflate: "此浏览器不能解压事件（没有 DecompressionStream）：这里是时序图的文本。较新的浏览器可显示全部；" +
		"用 tern report --plain 生成的页面也可以。",
	damaged: "此页中的事件已损坏：这里是时序图的文本。", opening: "正在打开…",
	nowIs: "现在", untold: "没有说明自己的状态",
	thinned: "未保留在此页中", ofThem: "其中",
	broken: "行无法读取", legend: "如何看状态",
	keyStep: "前进、后退一个事件", keySegment: "下一个、上一个报文段", keyState: "下一次、上一次状态变化",
	keyTrouble: "下一次、上一次丢失或重传", keyEnds: "最先、最后", keyFilter: "筛选", keyPlay: "播放或暂停",
	keyTheme: "亮色或暗色", keyFold: "折叠或展开", keyZoom: "曲线缩放", keyHelp: "本页",
	legendObserved: "由该端自己发出的报文段证明", legendInferred: "若途中所见到达并被接受，则必然如此",
	legendUnseen: "必定发生过，但抓包中没有引起它的报文段",
	silent: "到达为推断", field: "字段", value: "值", meaning: "含义",
	window_: "窗口", opened: "打开", closed: "关闭", duration: "历时", view: "查看",
	inFlightNow: "在途", controls: "控制", showing: "显示", plotPointer: "光标处",
};

let words: Words = en;

export function setLanguage(lang: "en" | "zh"): void {
	words = lang === "zh" ? zh : en;
}

export function t(key: keyof Words): string {
	return words[key];
}
