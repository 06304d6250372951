;; tests/dropin/guile_threads.scm: Guile's threads while collections happen. SPDX-License-Identifier: MIT
(use-modules (srfi srfi-1) (ice-9 threads) (ice-9 futures) (ice-9 atomic))

(define (say . parts) (for-each display parts) (newline))
(define (tree depth) (if (= depth 0) '() (cons (tree (- depth 1)) (tree (- depth 1)))))
(define (leaves t) (if (null? t) 1 (+ (leaves (car t)) (leaves (cdr t)))))
(define (spawn n work)
  (map (lambda (i) (call-with-new-thread (lambda () (work i)))) (iota n)))
(define (sum-of threads) (fold + 0 (map join-thread threads)))

;; Threads that allocate side by side, for long and for a moment only.
(say "long " (sum-of (spawn 6 (lambda (i)
                                (let loop ((k 0) (n 0))
                                  (if (= k 30) n (loop (+ k 1) (+ n (leaves (tree 12))))))))))
(say "short " (let loop ((round 0) (n 0))
                (if (= round 80)
                    n
                    (loop (+ round 1) (+ n (sum-of (spawn 8 (lambda (i) (leaves (tree 6))))))))))

;; Threads that nobody joins, and threads that start threads.
(define started (make-atomic-box 0))
(define (count-up)
  (let loop ((old (atomic-box-ref started)))
    (let ((seen (atomic-box-compare-and-swap! started old (+ old 1))))
      (unless (eqv? seen old) (loop seen)))))
(spawn 60 (lambda (i) (leaves (tree 5)) (count-up)))
(let wait () (when (< (atomic-box-ref started) 60) (gc) (wait)))
(say "unjoined " (atomic-box-ref started))
(say "nested " (sum-of (spawn 5 (lambda (i) (sum-of (spawn 4 (lambda (j) (leaves (tree 7)))))))))

;; The library's own helpers.
(say "par-map " (fold + 0 (par-map (lambda (i) (leaves (tree (modulo i 9)))) (iota 200))))
(say "n-par-map " (fold + 0 (n-par-map 3 (lambda (i) (string-length (make-string i))) (iota 500))))
(say "futures " (fold + 0 (map touch (map (lambda (i) (future (apply + (iota (* i 10)))))
                                          (iota 150)))))

;; A queue under a lock with a condition, while this thread collects.
(define lock (make-mutex))
(define filled (make-condition-variable))
(define queue '())
(define producer
  (call-with-new-thread
   (lambda ()
     (do ((i 0 (+ i 1))) ((= i 2000) 0)
       (with-mutex lock
         (set! queue (cons (list i (number->string i)) queue))
         (signal-condition-variable filled))))))
(define (take)
  (with-mutex lock
    (let wait ()
      (if (null? queue)
          (begin (wait-condition-variable filled lock) (wait))
          (let ((all queue)) (set! queue '()) all)))))
(define consumer
  (call-with-new-thread
   (lambda ()
     (let loop ((n 0) (sum 0))
       (if (= n 2000)
           sum
           (let ((all (take)))
             (loop (+ n (length all))
                   (fold (lambda (e s)
                           (if (string=? (cadr e) (number->string (car e))) (+ s (car e)) -1))
                         sum all))))))))
(do ((i 0 (+ i 1))) ((= i 10)) (gc) (tree 9))
(say "queue " (join-thread producer) " " (join-thread consumer))

;; A thread that waits in the system holds what its stack names.
(define pipes (map (lambda (i) (pipe)) (iota 4)))
(define waiting
  (map (lambda (p i)
         (call-with-new-thread
          (lambda ()
            (let ((mine (make-vector 100 (list i 'mine))))
              (read-char (car p))
              (vector-ref mine 99)))))
       pipes (iota 4)))
(do ((i 0 (+ i 1))) ((= i 5)) (tree 11) (gc))
(for-each (lambda (p) (write-char #\x (cdr p)) (force-output (cdr p))) pipes)
(say "waited " (map join-thread waiting))

;; Values that belong to threads, and threads that are cancelled.
(define fluid (make-thread-local-fluid 0))
(say "fluids " (map join-thread
                    (spawn 6 (lambda (i)
                               (fluid-set! fluid (list i (tree 3)))
                               (tree 10) (gc)
                               (car (fluid-ref fluid))))))
(define endless (spawn 3 (lambda (i) (let loop () (tree 8) (usleep 1000) (loop)))))
(for-each cancel-thread endless)
(for-each join-thread endless)
(say "cancelled")

;; Guardians that several threads fill and one empties.
(define guard (make-guardian))
(define filling
  (spawn 4 (lambda (i) (do ((k 0 (+ k 1))) ((= k 1000) 0) (guard (cons i k)) (make-vector 20)))))
(define found 0)
(define (drain) (let loop ((o (guard))) (when o (set! found (+ found 1)) (loop (guard)))))
(for-each (lambda (t) (join-thread t) (gc) (drain)) filling)
(do ((i 0 (+ i 1))) ((= i 5)) (tree 12) (gc) (drain))
(say "guarded " (> found 3000) " " (<= found 4000))
(say "end")
