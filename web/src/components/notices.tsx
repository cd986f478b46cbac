// Short messages of success that leave by themselves, and what a page says in its own place; errors of calls are ErrorNotice.
import { InlineNotification, ToastNotification } from "@carbon/react";
import { createContext, useCallback, useContext, useMemo, useRef, useState, type ComponentProps, type ReactNode } from "react";
import { useT } from "../i18n";

const SHOWN_FOR_MS = 8000;
const AT_MOST = 2;

interface Notice {
  id: number;
  kind: "success" | "warning" | "info";
  text: string;
}

type Notify = (text: string, kind?: Notice["kind"]) => void;
const Context = createContext<Notify>(() => undefined);

export const useNotify = () => useContext(Context);

interface InlineNoticeProps extends Pick<ComponentProps<typeof InlineNotification>, "role" | "title" | "subtitle" | "children"> {
  kind: "error" | "success" | "warning" | "info";
}

// Its icon says its kind in the page's language; Carbon's own word is English.
export function InlineNotice({ kind, ...rest }: InlineNoticeProps) {
  const t = useT();
  return <InlineNotification className="kh-notice" kind={kind} lowContrast hideCloseButton statusIconDescription={t(`notice.${kind}`)} {...rest} />;
}

export function NoticesProvider({ children }: { children: ReactNode }) {
  const t = useT();
  const [notices, setNotices] = useState<Notice[]>([]);
  const next = useRef(1);
  const drop = useCallback((id: number) => setNotices((all) => all.filter((notice) => notice.id !== id)), []);
  const notify = useCallback<Notify>((text, kind = "success") => {
    const id = next.current++;
    setNotices((all) => [...all, { id, kind, text }].slice(-AT_MOST));
  }, []);
  const list = useMemo(
    () =>
      notices.map((notice) => (
        <ToastNotification
          key={notice.id}
          kind={notice.kind}
          lowContrast
          role="status"
          timeout={SHOWN_FOR_MS}
          title={notice.text}
          aria-label={t("action.close")}
          statusIconDescription={t(`notice.${notice.kind}`)}
          onClose={() => {
            drop(notice.id);
            return true;
          }}
        />
      )),
    [notices, drop, t],
  );
  return (
    <Context value={notify}>
      {children}
      <div className="kh-notices" aria-live="polite">
        {list}
      </div>
    </Context>
  );
}
